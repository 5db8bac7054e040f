/** What a connection costs: the first, and one that resumes its session with and without something waiting. */
import type { Target } from '../contenders/index.ts'
import type { Device } from '../load/device.ts'
import { Ledger } from '../load/ledger.ts'
import { publishTemplate } from '../load/packets.ts'
import { publishStored } from '../load/publishing.ts'
import { boardAndSubscribe, connectPublishers, cutAll, deliver, forEach, makeDevices, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

const PENDING = 20
/** With fewer, the servers are still being compiled while they are measured. */
const WARM_UP = 200
const WARM_UP_ROUNDS = 60
/** The kernel counts CPU in steps that are a tenth of what one round costs. */
const RESUMES = 3

/** Every device comes back to its session. */
export async function resume(devices: readonly Device[], together?: number): Promise<void> {
  await forEach(
    devices,
    async (device) => {
      if (!(await device.board())) throw new Error(`the session of device ${device.index} was gone`)
    },
    together,
  )
}

/** So many messages for each, while they are away. */
export async function leavePending(target: Target, devices: readonly Device[], each: number): Promise<Ledger> {
  const publishers = await connectPublishers(target, 4)
  const messages = devices.length * each
  const ledger = new Ledger({ messages, devices: devices.length, toAll: false, later: true })
  const templates = devices.map(({ identity }) => publishTemplate(identity.privateTopic))
  await publishStored({ publishers, ledger, templates }, 0, messages)
  for (const publisher of publishers) await publisher.end()
  return ledger
}

async function measure(context: WorkContext, inCase: string, count: number, work: () => Promise<unknown>) {
  const { target, record } = context
  const spent = await spentOn(target, work)
  record('cpu', spent.server / count, inCase)
  if (target.redis !== undefined) record('redis cpu', spent.redis / count, inCase)
  record('rate', (count / spent.wall) * 1_000, inCase)
}

/** Each ends with a cut, whose cost is in none of them. */
async function measureResumes(context: WorkContext, devices: readonly Device[]): Promise<void> {
  const { target, record } = context
  const all = { server: 0, redis: 0, wall: 0 }
  for (let time = 0; time < RESUMES; time += 1) {
    const spent = await spentOn(target, () => resume(devices))
    all.server += spent.server
    all.redis += spent.redis
    all.wall += spent.wall
    await cutAll(target, devices)
  }
  const count = devices.length * RESUMES
  record('cpu', all.server / count, 'resume')
  if (target.redis !== undefined) record('redis cpu', all.redis / count, 'resume')
  record('rate', (count / all.wall) * 1_000, 'resume')
}

export const connect: Work = {
  name: 'connect',
  title: 'Connect',
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one connection' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'rate', unit: '/s', about: 'connections (tokens) a second, 64 at one time' },
  ],
  about: ({ connects }) =>
    `${connects} devices, 64 at one time. *token*: \`POST /v1/tokens\` (ours only). *first*: CONNECT with a session that is kept, and SUBSCRIBE to two topics. *resume*: the connection was cut and the session is taken up again, ${RESUMES} times. *resume with ${PENDING}*: the same, until ${PENDING} messages that waited are delivered and acknowledged. Ours verifies a JWT each time, the others let everybody in.`,
  fits: () => true,
  async run(context) {
    const { target, sizes } = context
    const count = sizes.connects
    let all: Device[] = []
    const issue = async (): Promise<void> => void (all = await makeDevices(target, count + WARM_UP))
    if (target.http === undefined) await issue()
    else await measure(context, 'token', count + WARM_UP, issue)
    const [warm, devices] = [all.slice(count), all.slice(0, count)]
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      await forEach(warm, boardAndSubscribe)
      await cutAll(target, warm)
    }
    await measure(context, 'first', count, () => forEach(devices, boardAndSubscribe))
    await cutAll(target, devices)
    await measureResumes(context, devices)
    const ledger = await leavePending(target, devices, PENDING)
    ledger.watch()
    const drain = async (): Promise<void> => {
      await resume(devices)
      await ledger.done
    }
    await measure(context, `resume with ${PENDING}`, count, () => deliver(devices, ledger, drain))
    ledger.check()
    for (const device of devices) device.cut()
  },
}
