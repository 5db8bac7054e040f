/** Makes a short report of tap's long one: a line for a file that passes, everything about one that fails. */

/** Reads tap's report line by line; `print` gets what a person should see. */
export function createSummary(print) {
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 }
  let fileReport = []
  let failed = false
  return {
    counts,
    line(line) {
      const totals = /^# (\{ total: .* \})$/.exec(line)
      if (totals !== null) {
        for (const [, name, count] of totals[1].matchAll(/(\w+): (\d+)/g)) counts[name] = Number(count)
        return
      }
      if (line.startsWith('    ') || line.startsWith('# Subtest: ')) {
        fileReport.push(line)
        return
      }
      if (/^(not )?ok /.test(line)) {
        failed = line.startsWith('not ok ')
        if (failed) fileReport.filter((inner) => !/^\s+(ok |# time=|$)/.test(inner)).forEach(print)
        fileReport = []
      } else if (line.startsWith('  ') && !failed) {
        return
      }
      if (line !== '' && !line.startsWith('TAP version')) print(line)
    },
  }
}
