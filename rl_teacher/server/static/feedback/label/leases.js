// @ts-check
/** Leases of the pairs this tab holds: renewed while somebody is here, given back when they leave. */

/** @param {{api: ReturnType<typeof import("./api.js").createApi>, tab: string}} options */
export function createLeases({ api, tab }) {
  /** @type {Record<string, string>} assignment -> lease_until as last seen */
  const until = {};
  return {
    /** A claim renews what it does not bring, too. @param {string[]} ids @param {string | null} [heldUntil] */
    note(ids, heldUntil) {
      if (heldUntil) for (const id of ids) until[id] = heldUntil;
    },
    /** Those that are over. @param {string[]} ids @returns {Promise<string[]>} */
    async renew(ids) {
      if (!ids.length) return [];
      const { leases } = await api.renew(ids, tab);
      for (const id of Object.keys(until)) if (!ids.includes(id)) delete until[id];
      Object.assign(until, leases);
      return ids.filter((id) => !(id in leases));
    },
    /** At the very end, with the lease seen: a reload's claim may have come first. @param {string[]} ids */
    release(ids) {
      if (ids.length) api.release(Object.fromEntries(ids.map((id) => [id, until[id]])), tab).catch(() => {});
    },
  };
}
