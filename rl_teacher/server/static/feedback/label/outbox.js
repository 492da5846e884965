// @ts-check
/**
 * Answers wait here, in IndexedDB, until the server has acknowledged them: first in, first out, one in flight, because a
 * revision must not overtake its original. Each entry belongs to one person and goes out under no other login.
 *
 * @typedef {{n?: number, id: string, user: string, slug: string, answer: any, at: number, refused?: string}} Entry
 * @typedef {{add: (entry: Entry) => Promise<unknown>, all: (user: string) => Promise<Entry[]>,
 *   put: (entry: Entry) => Promise<unknown>, remove: (n: number) => Promise<unknown>, kind: string}} Store
 */

/** Opens the store of this browser, or one in memory where IndexedDB is refused. @returns {Promise<Store>} */
export async function openStore(name = "rl-teacher") {
  try {
    return await indexedStore(name);
  } catch {
    return memoryStore();
  }
}

/** @param {string} name @returns {Promise<Store>} */
async function indexedStore(name) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("answers", { keyPath: "n", autoIncrement: true }).createIndex("user", "user");
  };
  const db = await done(opening);
  /** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} work */
  const run = (mode, work) => {
    const transaction = db.transaction("answers", mode, { durability: "strict" });
    const request = work(transaction.objectStore("answers"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  return {
    kind: "indexeddb",
    add: (entry) => run("readwrite", (store) => store.add(entry)),
    all: (user) => run("readonly", (store) => store.index("user").getAll(user)),
    put: (entry) => run("readwrite", (store) => store.put(entry)),
    remove: (n) => run("readwrite", (store) => store.delete(n)),
  };
}

/** @param {IDBOpenDBRequest} request @returns {Promise<IDBDatabase>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = request.onblocked = () => reject(request.error);
});

/** @returns {Store} */
export function memoryStore() {
  /** @type {Map<number, Entry>} */
  const entries = new Map();
  let last = 0;
  return {
    kind: "memory",
    add: async (entry) => void entries.set(++last, { ...entry, n: last }),
    all: async (user) => [...entries.values()].filter((entry) => entry.user === user),
    put: async (entry) => void entries.set(/** @type {number} */ (entry.n), entry),
    remove: async (n) => void entries.delete(n),
  };
}

/**
 * @param {{store: Store, user: string, slug: string, send: (entry: Entry) => Promise<any>,
 *   onSent: (entry: Entry, result: any) => void, onChange: (unsent: Entry[], refused: Entry[]) => void,
 *   onTrouble: (kind: string) => void, now?: () => number, random?: () => number,
 *   sleep?: (ms: number) => Promise<void>}} options
 */
export function createOutbox({ store, user, slug, send, onSent, onChange, onTrouble, now = Date.now, random = Math.random,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }) {
  let live = store;
  let isRunning = false;
  let isStale = false; // something changed while running
  let isBlocked = false; // until somebody signs in again
  let failures = 0;
  let adding = Promise.resolve();
  let wake = () => {};

  /** @type {Entry[]} what the store said last */
  let stored = [];
  /** @type {Entry[]} what it is about to get */
  let pending = [];
  const tell = () => onChange([...stored.filter((entry) => !entry.refused), ...pending], stored.filter((entry) => entry.refused));

  const entries = async () => {
    stored = await live.all(user);
    tell();
    return stored.filter((entry) => !entry.refused);
  };

  /** @param {Entry} entry @param {any} error */
  async function fail(entry, error) {
    const kind = error.kind ?? "retry";
    if (kind === "signed-out") isBlocked = true;
    if (kind === "refused") {
      failures = 0;
      if (error.slug === "already-answered") return live.remove(/** @type {number} */ (entry.n)); // by a second tab
      return live.put({ ...entry, refused: error.message });
    }
    onTrouble(kind);
    if (kind === "signed-out") return undefined;
    failures += 1;
    const backoff = Math.min(8000, 250 * 2 ** failures) * (0.5 + random() / 2);
    return Promise.race([sleep(Math.max(backoff, error.waitMs ?? 0)), new Promise((resolve) => (wake = () => resolve(0)))]);
  }

  async function run() {
    isStale = true;
    if (isRunning) return;
    isRunning = true;
    while (isStale) {
      isStale = false;
      for (let unsent = await entries(); unsent.length && !isBlocked; unsent = await entries()) await deliver(unsent[0]);
    }
    isRunning = false;
  }

  /** @param {Entry} entry */
  async function deliver(entry) {
    try {
      const result = await send(entry);
      failures = 0;
      await live.remove(/** @type {number} */ (entry.n));
      onSent(entry, result);
    } catch (error) {
      await fail(entry, error);
    }
  }

  /** A full or broken disk must not cost an answer: go on in memory. @param {Entry} entry */
  async function keep(entry) {
    try {
      await live.add(entry);
    } catch {
      live = memoryStore();
      await live.add(entry);
      onTrouble("storage");
    }
    pending = pending.filter((one) => one !== entry);
    await entries();
  }

  /** Look again now: a new answer, the network is back, somebody signed in. */
  function kick() {
    isBlocked = false;
    wake();
    return run();
  }

  return {
    kick,
    /** @param {string} id @param {any} answer */
    post(id, answer) {
      const entry = { id, user, slug, answer, at: now() };
      pending = [...pending, entry];
      tell();
      adding = adding.then(() => keep(entry)).then(() => void run());
      return adding;
    },
    entries: () => live.all(user),
    /** Send the refused ones again, or give them up. @param {boolean} again */
    async settle(again) {
      for (const { refused, ...entry } of await live.all(user)) {
        if (refused) await (again ? live.put(entry) : live.remove(/** @type {number} */ (entry.n)));
      }
      await entries();
      return kick();
    },
  };
}
