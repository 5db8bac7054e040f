/** What one step costs with few and with many of everything that there may be many of. */
import { spentOn, untilQuiet } from '../steps.ts'
import type { Work, WorkContext } from '../work.ts'
import { appsRead, connectedDevices, idleSecond, readersOfMany, readersOfOthers } from './connected.ts'
import { consumers, eventsKept, webhooks } from './events.ts'
import { broadcastsKept, broadcastsKeptNew, broadcastsMissed } from './kept.ts'
import type { Thing } from './thing.ts'
import { apps, sessions, tags, tokensIssued, tokensListed } from './tokens.ts'
import { World } from './world.ts'

/** CPU is read in ticks of 10 ms, and code becomes faster while it runs. */
const THE_SAME = 1.25
const FITS: ReadonlySet<string> = new Set(['ours-level', 'ours-redis'])

const THINGS: readonly Thing[] = [
  tokensIssued,
  tokensListed,
  sessions,
  apps,
  appsRead,
  tags,
  connectedDevices,
  idleSecond,
  readersOfMany,
  readersOfOthers,
  broadcastsKept,
  broadcastsKeptNew,
  broadcastsMissed,
  eventsKept,
  consumers,
  webhooks,
]

export const growth: Work = {
  name: 'growth',
  title: 'Cost against number',
  rounds: 1,
  minutes: () => 60,
  figures: [
    { name: 'few', unit: 'N', about: 'how many there are' },
    { name: 'with few', unit: 'us', about: 'CPU of all server processes and Redis, for one step' },
    { name: 'many', unit: 'N', about: 'how many there are then' },
    { name: 'with many', unit: 'us', about: 'CPU of one step then' },
    { name: 'factor', unit: 'x', about: 'the one to the other' },
  ],
  about: () =>
    `Each line is a thing that there may be many of, and a step beside it. The same step is measured with few and with many of them. Up to ${THE_SAME}x counts as the same; what is above is named below the table.`,
  fits: ({ name }) => FITS.has(name),
  async run(context) {
    const world = await World.open(context.target)
    const failed: string[] = []
    for (const thing of THINGS) {
      try {
        await measure(context, world, thing)
      } catch (error) {
        // The others can be measured all the same.
        failed.push(`${thing.name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    await world.close()
    if (failed.length > 0) throw new Error(failed.join('; '))
  },
}

async function measure(context: WorkContext, world: World, thing: Thing): Promise<void> {
  const { record, note, sizes } = context
  const inCase = `${thing.name}: ${thing.step}`
  const quick = sizes.growth === 'small'
  const steps = quick ? Math.ceil(thing.steps / 10) : thing.steps
  const most = quick ? thing.quick : thing.many
  const growing = await thing.begin(world)
  const cost = async (count: number): Promise<number> => {
    await growing.grow(count)
    await growing.step(steps)
    await untilQuiet(context.target)
    const spent = await spentOn(context.target, () => growing.step(steps))
    return spent.server / steps
  }
  const few = await cost(thing.few)
  const many = await cost(most)
  growing.end?.()
  record('few', thing.few, inCase)
  record('with few', few, inCase)
  record('many', most, inCase)
  record('with many', many, inCase)
  if (few > 0) record('factor', many / few, inCase)
  if (many > few * THE_SAME) note(`${inCase}: ${(many / few).toFixed(1)}x`)
}
