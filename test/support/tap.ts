/**
 * Tap's `t` for a test file. A file that runs by itself has tap's own. Files that share a process have a subtest each,
 * which ends, and closes what the file opened, before the next begins.
 */
import tap, { type Test } from 'tap'

export let t: Test = tap

/** A long run has the deadline of its process alone. */
const FILE_MS = process.env.PUSH_TEST_LONG === undefined ? 300_000 : 0

/** After the last test, a process may take so long to end by itself. */
const LEFT_OPEN_MS = 10_000

/** One after another. `folder` is what their names in the report begin after. */
export async function runFiles(folder: URL, names: readonly string[]): Promise<void> {
  for (const name of names)
    await tap.test(name, { timeout: FILE_MS }, async (own) => {
      t = own
      await import(new URL(name, folder).href)
    })
  // Seen once: all had passed, and the process stayed, with nothing open but a timer that no list of Node's has.
  setTimeout(() => {
    process.stderr.write(`the tests are over, and something is open: ${process.getActiveResourcesInfo().join(', ')}\n`)
    process.exit()
  }, LEFT_OPEN_MS).unref()
}
