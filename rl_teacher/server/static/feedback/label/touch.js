// @ts-check
/** Touch: tap a clip, swipe up for a tie, down for can't tell, tap with two fingers to undo. Pointers in, action out. */

const TAP_MS = 350; // longer is a press, which means nothing
const TAP_PX = 14; // a finger that lies still wanders this far
const SWIPE_PX = 56;

/**
 * @typedef {{id: number, x: number, y: number, t: number}} Point
 * @returns {{down: (p: Point) => void, up: (p: Point, side: "left" | "right" | null) => string | null, cancel: () => void}}
 */
export function createGestures() {
  /** @type {Map<number, Point>} */
  const fingers = new Map();
  let most = 0; // fingers down at the same time in this gesture
  let moved = false;
  return {
    down(point) {
      fingers.set(point.id, point);
      most = Math.max(most, fingers.size);
    },
    up(point, side) {
      const start = fingers.get(point.id);
      fingers.delete(point.id);
      if (!start) return null;
      const dx = point.x - start.x;
      const dy = point.y - start.y;
      const isTap = Math.hypot(dx, dy) < TAP_PX && point.t - start.t < TAP_MS;
      moved ||= !isTap;
      if (fingers.size) return null;
      const [count, still] = [most, !moved];
      most = 0;
      moved = false;
      if (count === 2) return still ? "undo" : null;
      if (count > 2) return null;
      if (isTap) return side;
      if (Math.abs(dy) < SWIPE_PX || Math.abs(dy) < 1.5 * Math.abs(dx)) return null;
      return dy < 0 ? "tie" : "cant_tell";
    },
    cancel() {
      fingers.clear();
      most = 0;
      moved = false;
    },
  };
}
