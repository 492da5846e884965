// @ts-check
/** How the lesson goes, as the server tells it: one request that waits, and comes back as soon as there is news. */

const WAIT_S = 20;
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [1000, 30_000];

/**
 * @typedef {{mp4: string, webm: string | null}} Clip
 * @typedef {{step: number | null, labels: number, before: number | null, after: number | null, is_true: boolean | null,
 *   commands: string[]}} Ending
 * @typedef {{state: string, has_begun: boolean, relevances: string, then: Clip | null, now: Clip | null,
 *   ending: Ending | null, seen: string, progress: import("./queue.js").Progress}} Lesson
 */

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, onTold: (lesson: Lesson) => void,
 *   onFailed?: (error: any) => void}} options
 */
export function watchLesson({ api, onTold, onFailed = () => {} }) {
  const leaving = new AbortController();
  addEventListener("pagehide", () => leaving.abort());

  async function watch() {
    let [seen, failures] = ["", 0];
    while (!leaving.signal.aborted) {
      try {
        const told = await api.lesson(leaving.signal, seen ? WAIT_S : 0, seen);
        failures = 0;
        if (told.seen !== seen) onTold(told);
        seen = told.seen;
      } catch (error) {
        if (leaving.signal.aborted) return;
        onFailed(error);
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)));
      }
    }
  }
  void watch();
}
