/**
 * Tap's report, shortened: a line for a file that passes, everything about one that fails. Tap's other reporters redraw
 * the screen, and fill the log of a CI with it.
 */

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
      } else if (text.startsWith('    ') || text.startsWith('# Subtest: ')) {
        report.push(text)
      } else if (/^(not )?ok /.test(text)) {
        failed = text.startsWith('not ok ')
        if (failed) report.filter((inner) => !/^\s+(ok |# time=|$)/.test(inner)).forEach(print)
        report = []
        print(text)
      } else if (text !== '' && !text.startsWith('TAP version') && (failed || !text.startsWith('  '))) {
        print(text)
      }
    },
  }
}
