// @ts-check
/** Leases of the pairs this tab holds: renewed while somebody is here, given back when they leave. */
// After a sleep (of the tab or of the whole computer) pairs whose lease ran out are replaced, also the one in front:
// nobody was looking at it.

const RENEW_MS = 60_000;
const TICK_MS = 1000;
const ASLEEP_MS = 75_000; // a tick so late: browsers let a hidden tab tick once a minute, so it was no mere hiding

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, tab: string, live: () => string[],
 *   dispatch: (event: import("./queue.js").Event) => void, onFailed: (error: any) => void, now?: () => number}} options
 *   `live`: the assignments that this tab has to answer
 */
export function createLeases({ api, tab, live, dispatch, onFailed, now = () => Date.now() }) {
  /** @type {Record<string, string>} assignment -> lease_until as last seen */
  const until = {};
  let wasAway = false;
  let tickedAt = now();

  async function renew() {
    const ids = live();
    const isBack = wasAway;
    if (!ids.length) return void (wasAway = false);
    try {
      const { leases } = await api.renew(ids, tab);
      for (const id of Object.keys(until)) if (!ids.includes(id)) delete until[id];
      Object.assign(until, leases);
      if (isBack) wasAway = false;
      dispatch({ type: "lapsed", ids: ids.filter((id) => !(id in leases)), isBack });
    } catch (error) {
      onFailed(error); // still away: the next renewal that is answered replaces what is over
    }
  }

  /** Somebody is here again, and may not have been for long. */
  function back() {
    wasAway = true;
    return renew();
  }

  function tick() {
    const late = now() - tickedAt;
    tickedAt = now();
    if (late > ASLEEP_MS) void back();
  }

  return {
    /** A claim renews what it does not bring, too. @param {string[]} ids @param {string | null} [heldUntil] */
    note(ids, heldUntil) {
      if (heldUntil) for (const id of ids) until[id] = heldUntil;
    },
    back,
    tick,
    /** Renew from now on. */
    watch() {
      setInterval(() => void renew(), RENEW_MS);
      setInterval(tick, TICK_MS);
    },
    /** At the very end, with the lease seen: a reload's claim may have come first. */
    release() {
      const ids = live();
      if (ids.length) api.release(Object.fromEntries(ids.map((id) => [id, until[id]])), tab).catch(() => {});
    },
  };
}
