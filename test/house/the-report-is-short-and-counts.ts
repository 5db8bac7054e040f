// Does the report of a test run show a failure whole, a success in one line, and the right counts?
import { t } from '../support/tap.ts'
import { createSummary } from '../../scripts/summary.ts'

const REPORT = `TAP version 14
1..2
# Subtest: .build/groups/one.js
    # Subtest: one/a.js
        # Subtest: inner
            ok 1 - fine
            1..1
        ok 1 - inner # time=1ms

        1..1
    ok 1 - one/a.js # time=2ms

    1..1
    # time=2ms
ok 1 - .build/groups/one.js # time=2ms

# Subtest: .build/groups/two.js
    # Subtest: two/b.js
        ok 1 - fine
        not ok 2 - should be equal
          ---
          diff: |
            -2
            +1
          ...

        1..2
    not ok 1 - two/b.js # time=3ms
      ---
      at: two/b.ts
      ...
    # Subtest: two/c.js
        ok 1 - fine
        1..1
    ok 2 - two/c.js # time=1ms

    1..2
not ok 2 - .build/groups/two.js # time=4ms
  ---
  exitCode: 1
  ...

# { total: 5, pass: 3, fail: 1, skip: 1 }
# time=10ms`

t.test('a failure is shown whole, a success in one line', async (t) => {
  const printed: string[] = []
  const summary = createSummary((line) => printed.push(line))
  for (const line of REPORT.split('\n')) summary.line(line)
  t.same(summary.counts, { pass: 3, fail: 1, skip: 1, todo: 0 })
  t.same(printed, [
    'ok 1 - one/a.js # time=2ms',
    '    # Subtest: two/b.js',
    '        not ok 2 - should be equal',
    '          ---',
    '          diff: |',
    '            -2',
    '            +1',
    '          ...',
    '        1..2',
    'not ok 1 - two/b.js # time=3ms',
    '      ---',
    '      at: two/b.ts',
    '      ...',
    'ok 2 - two/c.js # time=1ms',
    'not ok 2 - .build/groups/two.js # time=4ms',
    '  ---',
    '  exitCode: 1',
    '  ...',
  ])
})

t.test('a report without totals counts nothing', async (t) => {
  const summary = createSummary(() => undefined)
  summary.line('ok 1 - test/a.ts')
  t.match(summary.counts, { pass: 0, fail: 0 })
})
