/** What a provider can flood a server with. */
export interface Flood {
  /** Connections of HTTP, and how many token ids each request names. */
  readonly http?: readonly [sockets: number, tokens: number]
  /** Connections of MQTT, and how many publishes each has under way, or sends at once with QoS 0. */
  readonly mqtt?: readonly [connections: number, window: number, qos: 0 | 1]
}

export const FLOODS: Readonly<Record<string, Flood>> = {
  'http-one': { http: [64, 1] },
  'http-many': { http: [8, 200] },
  'mqtt-qos1': { mqtt: [8, 1_000, 1] },
  'mqtt-qos0': { mqtt: [8, 1_000, 0] },
  all: { http: [32, 50], mqtt: [4, 1_000, 1] },
}
