/**
 * Tap's report, shortened: a line for a file that passes, everything about one that fails. Tap's other reporters redraw
 * the screen, and fill the log of a CI with it.
 */

/** What a file reports: a process is a subtest of the run, and a file one of its process. */
const INNER = ' '.repeat(8)

export interface Counts {
  pass: number
  fail: number
  skip: number
  todo: number
}

/** `line` takes tap's report; `print` gets what a person should see. */
export function createSummary(print: (line: string) => void): { counts: Counts; line(text: string): void } {
  const counts: Counts = { pass: 0, fail: 0, skip: 0, todo: 0 }
  let report: string[] = []
  let failed = false
  return {
    counts,
    line(text) {
      const [, totals] = /^# (\{ total: .* \})$/.exec(text) ?? []
      if (totals !== undefined) {
        for (const name of ['pass', 'fail', 'skip', 'todo'] as const)
          counts[name] = Number(new RegExp(`${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
      } else if (text.startsWith(INNER) || /^ *# Subtest: /.test(text)) {
        report.push(text)
      } else if (/^( {4})?(not )?ok /.test(text)) {
        const isFile = text.startsWith(' ')
        failed = /^ *not ok /.test(text)
        if (failed) report.filter((inner) => !/^\s*(ok |# time=|# Subtest: \.build|$)/.test(inner)).forEach(print)
        report = []
        if (isFile || failed) print(text.trimStart())
      } else if (failed && /^ +[-.\w]/.test(text) && !/^ *1\.\.\d/.test(text)) {
        print(text)
      }
    },
  }
}
