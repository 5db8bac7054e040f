/** How long a start takes, with nothing stored and with many sessions. */
import type { WorkContext, Work } from './work.ts'
import { cpuOf } from '../run/processes.ts'
import { untilServing } from '../run/serving.ts'
import { addOffline } from './offline.ts'
import { settle } from './steps.ts'

async function restart({ target, record }: WorkContext, inCase: string): Promise<void> {
  const start = await target.restart()
  await untilServing(target.mqttPort, target.provider)
  record('ready', performance.now() - start, inCase)
  await settle()
  record('cpu', cpuOf(target.serverPids()) / 1_000, inCase)
}

export const start: Work = {
  name: 'start',
  rounds: 1,
  title: 'Start with stored sessions',
  figures: [
    { name: 'ready', unit: 'ms', about: 'from the start of the process to the first CONNACK' },
    { name: 'cpu', unit: 'ms', about: 'CPU of the server processes until 200 ms later' },
  ],
  about: ({ sessions }) =>
    `The server is ended in order and started again, with nothing stored and with ${sessions} sessions of two subscriptions each. Redis goes on. Only those that store sessions.`,
  fits: ({ durable }) => durable,
  async run(context) {
    await restart(context, '0 sessions')
    await addOffline(context.target, 0, context.sizes.sessions)
    await restart(context, `${context.sizes.sessions} sessions`)
  },
}
