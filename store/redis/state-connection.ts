/** Plain connections to the same Redis, for MQTT state that other packages keep there. */
import type { ConnectionOptions } from 'node:tls'
import { type Cluster, Command, Redis } from 'ioredis'
import { parseAddress } from './address.ts'
import { buildClient } from './client.ts'

export interface StateConnection {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
}

interface StateConnectionOptions {
  /** See `address.ts` for the forms. */
  readonly url: string
  /** Before every key. */
  readonly keyPrefix: string
  readonly tls?: ConnectionOptions | undefined
}

const COMMAND_TIMEOUT_MS = 5_000
/** A connection that hangs is given up, so that the next finds the master that another became. */
const SILENCE_MS = 2_000
const PROBE_MS = 1_000

/** Connects when it is first used, and again whenever the connection is lost. A command fails after five seconds. */
export function openStateConnection({ url, keyPrefix, tls }: StateConnectionOptions): StateConnection {
  const address = parseAddress(url)
  const own = { keyPrefix, commandTimeout: COMMAND_TIMEOUT_MS, connectionName: 'aedes-push-state' }
  const client = buildClient({ address, deadlineMs: SILENCE_MS, tls }, own)
  return { client: owned(client), isCluster: address.kind === 'cluster' }
}

/**
 * A connection that only listens is silent by nature: whether Redis still is at its other end, only a question tells. The
 * kernel of a machine whose Redis stands still goes on to answer keep-alives.
 * @returns how to stop
 */
export function probeSubscriptions({ client }: StateConnection): () => void {
  let asked: Redis | undefined
  const probe = () => {
    const subscriber = subscriberOf(client)
    if (subscriber?.status !== 'ready' || subscriber === asked) return
    asked = subscriber
    // The very socket that was asked: whoever disconnects a client that connects again meanwhile ends it for good.
    const { stream } = subscriber
    const silent = setTimeout(() => stream.destroy(), SILENCE_MS)
    const answered = () => {
      clearTimeout(silent)
      asked = undefined
    }
    subscriber.ping().then(answered, answered)
  }
  const timer = setInterval(probe, PROBE_MS)
  return () => clearInterval(timer)
}

/**
 * Not every caller of a command listens to its failure: aedes-persistence-redis does not await all of its commands, and ioredis not its SUBSCRIBE after a reconnect. When
 * such a command fails, the rejection that nobody handles would end the process.
 */
function owned<C extends Redis | Cluster>(client: C): C {
  const sending: Pick<Redis, 'sendCommand'> = client
  const sendCommand = sending.sendCommand.bind(client)
  const held: (() => void)[] = []
  const sendHeld = async () => {
    while (held.length > 0) {
      await greeted(client)
      held.shift()?.()
    }
  }
  sending.sendCommand = (command, stream) => {
    command.promise.catch(() => undefined)
    const isHeld = isSubscription(command) && (held.length > 0 || isGreeting(client))
    if (!isHeld) return sendCommand(command, stream)
    const send = () => {
      try {
        sendCommand(command, stream)
      } catch (error) {
        command.reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    if (held.push(send) === 1) sendHeld().catch(() => undefined)
    return command.promise
  }
  return client
}

/**
 * ioredis 5.11.1 sends SUBSCRIBE as soon as there is a socket. The commands of its greeting that follow are then refused
 * by Redis, it connects again, and of the subscriptions made so far some are never made. So they wait until the greeting
 * is over.
 */
function isSubscription({ name }: Command): boolean {
  return Command.checkFlag('ENTER_SUBSCRIBER_MODE', name) || Command.checkFlag('EXIT_SUBSCRIBER_MODE', name)
}

function isGreeting(client: Redis | Cluster): boolean {
  const status = subscriberOf(client)?.status
  return status === 'connecting' || status === 'connect'
}

/** Resolves when the greeting has succeeded, or its connection was lost. */
async function greeted(client: Redis | Cluster): Promise<void> {
  const subscriber = subscriberOf(client)
  if (subscriber === undefined || !isGreeting(client)) return
  await new Promise<void>((resolve) => {
    const over = () => {
      for (const name of ENDS) subscriber.off(name, over)
      resolve()
    }
    for (const name of ENDS) subscriber.on(name, over)
  })
}

const ENDS = ['ready', 'close', 'end']

/** A Cluster keeps a connection for subscriptions; its type leaves it out. */
function subscriberOf(client: Redis | Cluster): Redis | undefined {
  if (client instanceof Redis) return client
  const { subscriber } = client as unknown as { subscriber?: { getInstance(): Redis | null } }
  return subscriber?.getInstance() ?? undefined
}
