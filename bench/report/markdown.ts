/** docs/benchmarks.md, whole: nobody edits it by hand. */
import { CONTENDERS } from '../contenders/index.ts'
import { notesOf, type Results, roundsOf } from '../run/results.ts'
import type { Work } from '../works/index.ts'
import { judgeGoals, verdict } from './goals.ts'
import { asMarkdown, tableOf } from './table.ts'

const HOW = `\`npm run bench\` starts every server itself, on free ports and with a temporary data directory, and ends it. A contender whose program is not installed is named and left out.

\`\`\`sh
npm run bench -- --only ours-level,mosquitto --works private,broadcast --rounds 3 --messages 20000
npm run bench -- --quick            # everything, small: does it work?
npm run bench -- --rounds 5 --write # this page; takes hours, on a machine that does nothing else
npm run bench -- --from bench-results.json --write
\`\`\`

Every run leaves \`bench-results.json\`, with each figure of each round. \`npm run bench -- --help\` names all contenders, works and options. 10,000 connections need \`ulimit -n 20000\`. The work *hold* takes as many of its 100,000 as open files and memory allow, and says how many those were; \`--held\` and \`--hold\` set their number and the seconds.

What must not grow unseen is counted by tests, which need no quiet machine: the commands of Redis a message (\`test/redis/a-message-costs-few-commands.ts\`), the steps of a script (\`test/redis/appends-to-one-token-id-travel-as-one.ts\`), the writes a delivery (\`test/delivery/a-delivered-message-costs-few-writes.ts\`), the promises and the garbage a message (\`test/delivery/a-message-costs-few-promises-and-little-memory.ts\`), what a device costs that comes back (\`test/delivery/a-device-that-comes-back-costs-little.ts\`, \`test/store/a-session-that-is-resumed-waits-for-no-disk.ts\`), the commands of a message to a general topic (\`test/redis/what-a-session-step-costs.ts\`), and the look-ups on disk of an acknowledgement (\`test/store/what-is-acknowledged-in-order-is-not-read-again.ts\`).`

const METHOD = `- One load generator for all: raw sockets, prebuilt packets, QoS 1, MQTT 3.1.1, payloads of 64 bytes, topics of the same length. It shares the machine with the servers; its own CPU is in the tables and in no other figure.
- It checks what it counts: each message carries a number, and reaches the right device exactly once. A run in which one is lost, doubled or astray gives no figure.
- Every device has a session that survives its connection, in every contender. Devices of aedes-push connect with message tokens; the others let everybody in.
- CPU is user and system time of all processes of a contender, Redis included, from \`/proc/<pid>/stat\`, which counts in steps of 10 ms.
- Rounds are interleaved over the contenders, and each begins with another one. Figures are medians of the rounds; the works that take long (offline, storm, hold, growth, start, lookup, streams, memory in Redis) have one.
- A server is measured warm: as many messages as are measured go before them, and the cases with many under way come before those with few.
- *Floor*: what a plain server needs that does nothing but store each message as plainly as it can be done (\`bare-level\`, \`bare-redis\`), and over HTTP also answer the request (\`fastify-level\`, \`fastify-redis\`), in the same run. Messages for clean sessions are stored nowhere, so their floor is \`bare\`. Two workers share what is under way, so each has smaller batches: their floor is what one process (\`ours-redis\`) needs with half as many under way. *Below the floor*: the floor alone is above the goal, so no server in Node that stores the same can meet it on that library.
- What is promised differs: aedes-push has a message on disk (embedded, or \`appendfsync always\`) or in Redis before it acknowledges it, and NATS in its file store. Mosquitto and Aedes in memory lose everything with their process; Mosquitto's persistence is a snapshot at intervals.
- FlashMQ and NanoMQ are set up by their documentation. Nobody who wrote this had them at hand: look at what they do before you quote their figures.`

function machine(results: Results): string {
  const { machine: about, at, sizes, quick } = results
  const rounds = roundsOf(results)
  const programs = Object.entries(about.programs).map(([name, version]) => `${name} ${version}`)
  const memory = `${(about.memory / 1024 ** 3).toFixed(0)} GiB`
  const lines = [
    `${about.cores} cores (${about.cpu}), ${memory}, ${about.system}, Node ${about.node}, ${programs.join(', ')}.`,
    `Measured on ${at.slice(0, 10)}: ${rounds === 1 ? '1 round' : `up to ${rounds} rounds`} of ${sizes.messages} messages.`,
  ]
  if (quick) lines.push('**A quick run with small sizes: rough figures that show that everything works, no more.**')
  return lines.join('\n')
}

function contenders({ samples, leftOut }: Results): string {
  const measured = new Set(samples.map(({ contender }) => contender))
  const rows = CONTENDERS.filter(({ name }) => measured.has(name)).map(({ name, about }) => [name, about])
  const missing = Object.entries(leftOut).map(([name, reason]) => `\n\nLeft out: ${name} (${reason}).`)
  return asMarkdown({ head: ['contender', 'what it is'], rows }, 2) + missing.join('')
}

function goals(results: Results): string {
  const rows = judgeGoals(results).map((judged) => [
    judged.title,
    judged.goal,
    judged.contender,
    judged.measured,
    judged.floor,
    verdict(judged),
  ])
  return asMarkdown({ head: ['work', 'goal', 'contender', 'measured', 'floor', ''], rows }, 6)
}

function section(results: Results, work: Work): string[] {
  const table = tableOf(results, work)
  if (table.rows.length === 0) return []
  const shown = work.figures.filter(({ name }) =>
    results.samples.some((sample) => sample.work === work.name && sample.figure === name),
  )
  const figures = shown.map(({ name, unit, about }) => `- *${name}* (${unit}): ${about}`)
  const notes = notesOf(results, work).map((note) => `- ${note}`)
  return [`## ${work.title}`, work.about(results.sizes), asMarkdown(table), [...figures, ...notes].join('\n')]
}

function failures({ failures: failed }: Results): string[] {
  if (failed.length === 0) return []
  const lines = failed.map(
    ({ work, contender, round, reason }) => `- ${work}, ${contender}, round ${round + 1}: ${reason}`,
  )
  return ['## What failed', lines.join('\n')]
}

export function markdownOf(results: Results, works: readonly Work[]): string {
  const parts = [
    '# Benchmarks',
    '<!-- Written by `npm run bench -- --write`. -->',
    machine(results),
    '![The headline figures as bars; less is better](benchmarks.svg)',
    '## Goals',
    goals(results),
    'Where the time goes, and why a goal that is not met is not: [profiles](profile.md).',
    '## Who is measured',
    contenders(results),
    '## How it is measured',
    METHOD,
    ...works.flatMap((work) => section(results, work)),
    ...failures(results),
    '## How to run it',
    HOW,
  ]
  return `${parts.join('\n\n')}\n`
}
