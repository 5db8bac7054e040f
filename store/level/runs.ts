/** Sets of offsets as runs: ascending, with a gap before each. Never changed: a change makes another one. */

/** From, to: both belong to it. */
export type Run = readonly [from: number, to: number]

export function isAmong(runs: readonly Run[], offset: number): boolean {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle]?.[1] ?? Infinity) < offset) low = middle + 1
    else high = middle
  }
  return (runs[low]?.[0] ?? Infinity) <= offset
}

export function withOffsets(runs: readonly Run[], offsets: readonly number[]): readonly Run[] {
  if (offsets.length === 0) return runs
  const all = [...runs, ...offsets.map((offset): Run => [offset, offset])].sort(([one], [other]) => one - other)
  const joined: [number, number][] = []
  for (const [from, to] of all) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}

/** What of it is beyond an offset. */
export function beyond(runs: readonly Run[], offset: number): readonly Run[] {
  const [first] = runs
  if (first === undefined || first[0] > offset) return runs
  return runs.filter(([, to]) => to > offset).map(([from, to]): Run => [Math.max(from, offset + 1), to])
}
