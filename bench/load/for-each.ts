const TOGETHER = 64

/** Runs `work` for each, at most `together` at one time. */
export async function forEach<T>(all: readonly T[], work: (one: T) => Promise<unknown>, together = TOGETHER) {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const one = all[next]
      next += 1
      if (one !== undefined) await work(one)
    }
  }
  await Promise.all(Array.from({ length: Math.min(together, all.length) }, worker))
}
