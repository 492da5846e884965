// @ts-check
/** Where a predicted return jumps because the reward model was fitted anew, and not because the agent got better. */

const JUMP = 3; // times the usual change from point to point

/**
 * The steps of refits at which a curve jumps.
 * @param {{step: number[], value: number[]}} curve @param {number[]} refits steps, rising
 */
export function jumps(curve, refits) {
  const changes = curve.value.slice(1).map((value, index) => Math.abs(value - curve.value[index]));
  const usual = [...changes].sort((one, other) => one - other)[Math.floor(changes.length / 2)] ?? 0;
  return changes.flatMap((change, index) => {
    const between = refits.filter((step) => step >= curve.step[index] && step < curve.step[index + 1]);
    return between.length && change > JUMP * usual ? [between[between.length - 1]] : [];
  });
}

/** A dashed line at each of `steps`, over what uPlot has drawn. @param {any} plot @param {number[]} steps @param {string} color */
export function mark(plot, steps, color) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const step of steps) {
    const x = Math.round(plot.valToPos(step, "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
