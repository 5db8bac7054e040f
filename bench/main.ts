/** `npm run bench`: measures this server and others side by side; see docs/benchmarks.md. */
import { writeFileSync } from 'node:fs'
import { CONTENDERS, type Contender } from './contenders/index.ts'
import { chartOf } from './report/chart.ts'
import { judgeGoals, verdict } from './report/goals.ts'
import { markdownOf } from './report/markdown.ts'
import { asText, tableOf } from './report/table.ts'
import { type Options, readOptions, USAGE, UsageError } from './run/options.ts'
import { findProgram } from './run/processes.ts'
import { describeMachine, notesOf, readResults, type Results } from './run/results.ts'
import { type Measured, measureRounds } from './run/rounds.ts'
import { WORKS } from './works/index.ts'

const EXIT_USAGE = 2

/** What a list on the command line names; all when there is none. */
function choose<T extends { readonly name: string }>(all: readonly T[], names: readonly string[] | undefined): T[] {
  const unknown = names?.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) {
    throw new UsageError(`${unknown} is not one of ${all.map(({ name }) => name).join(', ')}`)
  }
  return all.filter(({ name }) => names?.includes(name) ?? true)
}

function missingProgram({ needs }: Contender): string | undefined {
  return needs.find((program) => findProgram(program) === undefined)
}

async function measure(options: Options): Promise<Results> {
  const works = choose(WORKS, options.works)
  const chosen = choose(CONTENDERS, options.only)
  const leftOut: Record<string, string> = {}
  const contenders = chosen.filter((contender) => {
    const missing = missingProgram(contender)
    if (missing !== undefined) leftOut[contender.name] = `${missing} is not installed`
    return missing === undefined
  })
  for (const [name, reason] of Object.entries(leftOut)) console.error(`left out: ${name} (${reason})`)
  const { rounds, quick, sizes, json } = options
  const head = { at: new Date().toISOString(), rounds, quick, sizes, machine: describeMachine(), leftOut }
  const keep = (measured: Measured): void =>
    writeFileSync(json, `${JSON.stringify({ ...head, ...measured }, undefined, 1)}\n`)
  const measured = await measureRounds({ contenders, works, options, keep, say: (line) => console.error(line) })
  return { ...head, ...measured }
}

function show(results: Results): void {
  for (const work of WORKS) {
    const table = tableOf(results, work)
    if (table.rows.length === 0) continue
    console.log(`\n${work.title} (${work.name})\n${asText(table)}`)
    for (const note of notesOf(results, work)) console.log(note)
  }
  const head = ['goal', '', 'contender', 'measured', 'floor', '']
  const rows = judgeGoals(results).map((one) => [
    one.title,
    one.goal,
    one.contender,
    one.measured,
    one.floor,
    verdict(one),
  ])
  console.log(`\nGoals\n${asText({ head, rows })}`)
  for (const { work, contender, reason } of results.failures) console.log(`\n${work}, ${contender}: ${reason}`)
  for (const [name, reason] of Object.entries(results.leftOut)) console.log(`\nleft out: ${name} (${reason})`)
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.help) {
    const list = (all: readonly { name: string }[]): string => all.map(({ name }) => name).join(', ')
    console.log(`${USAGE}\n\ncontenders: ${list(CONTENDERS)}\nworks: ${list(WORKS)}`)
    return
  }
  const results = options.from === undefined ? await measure(options) : readResults(options.from)
  show(results)
  if (options.write) {
    writeFileSync('docs/benchmarks.md', markdownOf(results, WORKS))
    writeFileSync('docs/benchmarks.svg', chartOf(results))
  }
  process.exitCode = results.failures.length === 0 ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${USAGE}`)
  process.exitCode = EXIT_USAGE
}
