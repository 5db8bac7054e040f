/** What devices do in a day, and what a machine gives: all of it can be said on the command line. */
export interface Rates {
  /** Private messages, broadcasts, and connections of one device in a day. */
  readonly messages: number
  readonly broadcasts: number
  readonly visits: number
  /** Of a message, bytes. */
  readonly payload: number
  /** Share of the devices that are connected at one time. */
  readonly connected: number
  /** Messages of a device that wait, on average. */
  readonly waiting: number
  /** The busiest minute beside the average. */
  readonly peak: number
  /** Share of a core that is used at that time. */
  readonly load: number
  /** Cores and GiB of a node. */
  readonly cores: number
  readonly memory: number
  /** GiB of a Redis. */
  readonly redisMemory: number
}

export const RATES: Rates = {
  messages: 20,
  broadcasts: 2,
  visits: 10,
  payload: 200,
  connected: 0.5,
  waiting: 5,
  peak: 4,
  load: 0.6,
  cores: 4,
  memory: 8,
  redisMemory: 16,
}
