/** The known name that `name` is most likely a misspelling of: one wrong letter in five, or different case. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let shortest = Math.max(1, Math.floor(name.length / 5)) + 1
  for (const each of known) {
    const distance = editDistance(name.toUpperCase(), each.toUpperCase(), shortest)
    if (distance >= shortest) continue
    shortest = distance
    best = each
  }
  return best
}

/** The number of letters to add, remove, replace or swap; `most` if it is that many or more. */
function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) >= most) return most
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const options = [
        (last[column] ?? most) + 1,
        (current[column - 1] ?? most) + 1,
        (last[column - 1] ?? most) + (isSame ? 0 : 1),
      ]
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (isSwap) options.push((beforeLast[column - 2] ?? most) + 1)
      current.push(Math.min(...options))
    }
    beforeLast = last
    last = current
  }
  return Math.min(most, last[to.length] ?? most)
}
