/** What a server must offer to be measured. */
import type { Identity } from '../load/device.ts'
import type { Credentials } from '../load/packets.ts'
import type { RedisServer } from '../run/redis.ts'

/** A server that runs. */
export interface Target {
  readonly mqttPort: number
  /** Of every node, `mqttPort` first; one node where it is not given. */
  readonly mqttPorts?: readonly number[]
  /** Of ours, and of the floors that answer the same. */
  readonly http?: { readonly port: number; readonly providerKey: string }
  readonly redis?: RedisServer
  readonly broadcastTopic: string
  readonly provider: Omit<Credentials, 'clientId'>
  /** Of general topics. */
  readonly user: Omit<Credentials, 'clientId'>
  /** The server's own processes, without Redis; what they started counts as well. */
  serverPids(): readonly number[]
  /** Who devices `from` to `from + count - 1` are; where there are tokens, they are issued. */
  identities(from: number, count: number): Promise<Identity[]>
  /** Ends it in order and starts it again on what it stored; Redis goes on. Gives the time when it was started, in ms of `performance.now()`. */
  restart(): Promise<number>
  /** Kills every process of the server at once and starts it again; Redis goes on. Only ours, which promises to survive it. */
  kill?(): Promise<void>
  stop(): Promise<void>
}

export interface Contender {
  readonly name: string
  readonly about: string
  /** What is there after a restart. */
  readonly durable: boolean
  readonly ours: boolean
  /** Answers requests of HTTP as ours does, and delivers nothing. */
  readonly answersOnly?: boolean
  /** Programs that must be on this machine. */
  readonly needs: readonly string[]
  /** Works that it is for; all when not given. */
  readonly works?: readonly string[]
  /**
   * @param folder its own, empty
   * @param profile where a server of ours writes a CPU profile when it ends
   */
  start(folder: string, programs: Programs, profile?: string): Promise<Target>
}

/** Paths of the programs that were found. */
type Programs = (name: string) => string

/** As long as a token id. */
const ID_LENGTH = 22
export const APP = 'a'
/** A dot has a meaning of its own for NATS. */
export const PLAIN_BROADCAST = `${APP}/1-0-0`

export function plainTopic(tokenId: string): string {
  return `${APP}/t/${tokenId}`
}

/** For servers without tokens: plain topics of the same length as ours. */
export function plainIdentities(from: number, count: number): Identity[] {
  return Array.from({ length: count }, (_, place) => {
    const tokenId = String(from + place).padStart(ID_LENGTH, '0')
    const topics = { privateTopic: plainTopic(tokenId), broadcastTopic: PLAIN_BROADCAST }
    return { clientId: `d${from + place}`, tokenId, ...topics }
  })
}

/** One of each node. */
export function portsOf({ mqttPort, mqttPorts = [mqttPort] }: Target): readonly number[] {
  return mqttPorts
}

/** All processes that work for a contender. */
export function allPids({ redis, ...target }: Target): number[] {
  return [...target.serverPids(), ...(redis === undefined ? [] : [redis.pid])]
}
