import type { SysCounts } from '../../../../mosquitto-compat/sys/sys-tree.ts'

const NOTHING: SysCounts = {
  bytesReceived: 0,
  bytesSent: 0,
  packetsReceived: 0,
  packetsSent: 0,
  connectsReceived: 0,
  publishesReceived: 0,
  publishesSent: 0,
  publishesDropped: 0,
  payloadBytesReceived: 0,
  payloadBytesSent: 0,
  socketsOpened: 0,
  connected: 0,
  packetsWaiting: 0,
  bytesWaiting: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  sessionsAway: 0,
  retained: 0,
  messages: 0,
  bytes: 0,
  heap: 0,
}

export function countsOf(some: Partial<SysCounts>): SysCounts {
  return { ...NOTHING, ...some }
}
