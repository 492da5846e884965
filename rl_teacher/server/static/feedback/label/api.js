// @ts-check
/** The feedback server's API as the labeling page uses it: JSON in, JSON out, every failure an ApiError. */

/** What to do about a failure: try again, sign in, or show it. @typedef {"retry" | "signed-out" | "refused"} Kind */

export class ApiError extends Error {
  /** @param {number} status 0 = no answer at all @param {string} slug @param {string} detail @param {number} [waitMs] */
  constructor(status, slug, detail, waitMs = 0) {
    super(detail || slug);
    this.status = status;
    this.slug = slug;
    this.waitMs = waitMs;
  }

  /** @returns {Kind} */
  get kind() {
    if (this.status === 401 || (this.status === 403 && this.slug === "csrf")) return "signed-out";
    return this.status === 0 || this.status === 429 || this.status >= 500 ? "retry" : "refused";
  }
}

/** Version 4 from getRandomValues: crypto.randomUUID exists on https and localhost only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** One id per tab, kept over reloads, so that a reload locks no new pairs. @param {Storage} session */
export function tabId(session) {
  const id = session.getItem("rl-teacher.tab") ?? uuid();
  session.setItem("rl-teacher.tab", id);
  return id;
}

const CALL_MS = 15_000;
const POLL_MS = 30_000; // longer than the server's 20 s

/** @param {{slug: string, csrf: string, base?: string}} options `base`: the path under which the server lives */
export function createApi({ slug, csrf, base = "" }) {
  let token = csrf;

  /** @param {string} method @param {string} path @param {unknown} [body] @param {RequestInit & {ms?: number}} [more] */
  async function call(method, path, body, { ms = CALL_MS, ...more } = {}) {
    const timeout = AbortSignal.timeout(ms);
    const signal = more.signal ? AbortSignal.any([more.signal, timeout]) : timeout;
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token };
    let answer;
    let text;
    try {
      const sent = body === undefined ? undefined : JSON.stringify(body);
      answer = await fetch(`${base}/api/v1${path}`, { method, headers, body: sent, credentials: "same-origin", ...more, signal });
      text = await answer.text();
    } catch (error) {
      throw new ApiError(0, "network", String(error));
    }
    const parsed = parse(text);
    if (answer.ok && parsed) return parsed;
    if (answer.ok) throw new ApiError(502, "not-json", `${method} ${path}: expected JSON`);
    const problem = String(parsed?.type ?? "").replace("/problems/", "");
    const waitMs = 1000 * Number(answer.headers.get("Retry-After") ?? 0) || 0;
    throw new ApiError(answer.status, problem || String(answer.status), parsed?.detail ?? "", waitMs);
  }

  return {
    /** @param {{want: number, have: string[], tab: string}} body */
    claim: (body) => call("POST", `/experiments/${slug}/queue:claim`, body),
    /** @param {AbortSignal} signal @param {number} seconds 0: only look @param {string} seen what was told last */
    wait: (signal, seconds, seen) => call("GET", `/experiments/${slug}/queue?wait=${seconds}&seen=${encodeURIComponent(seen)}`, undefined, { signal, ms: POLL_MS }),
    needsWebm: () => call("POST", `/experiments/${slug}/queue:needs_webm`),
    /** @param {AbortSignal} signal @param {number} seconds 0: only look @param {string} seen what was told last */
    lesson: (signal, seconds, seen) => call("GET", `/experiments/${slug}/lesson:state?wait=${seconds}&seen=${encodeURIComponent(seen)}`, undefined, { signal, ms: POLL_MS }),
    lessonSeen: () => call("POST", `/experiments/${slug}/lesson:seen`),
    agent: () => call("GET", `/experiments/${slug}/agent`),
    /** @param {string} id @param {object} body */
    answer: (id, body) => call("PUT", `/responses/${id}`, body),
    /** @param {number} limit */
    mine: (limit) => call("GET", `/experiments/${slug}/responses?mine=1&limit=${limit}`),
    /** @param {string} id */
    assignment: (id) => call("GET", `/assignments/${id}`),
    /** @param {string[]} ids @param {string} tab */
    renew: (ids, tab) => call("POST", "/assignments:renew", { ids, tab }),
    /** @param {Record<string, string>} leases @param {string} tab */
    release: (leases, tab) => call("POST", "/assignments:release", { leases, tab }, { keepalive: true }),
    /** @param {string} id @param {string} detail */
    mediaError: (id, detail) => call("POST", `/assignments/${id}:media_error`, { detail }),
    /** @param {string} id @param {string} reason */
    flag: (id, reason) => call("POST", `/assignments/${id}:flag`, { reason }),
    /** Who is signed in; takes over the CSRF token, which a login changes. */
    async me() {
      const me = await call("GET", "/me");
      token = me.csrf_token ?? token;
      return me;
    },
  };
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
