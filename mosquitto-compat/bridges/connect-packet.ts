/** The CONNECT of a bridge, and its variants for brokers that refuse the configured one. */
import type { IConnectPacket } from 'mqtt-packet'
import type { BridgeOptions } from '../conf/bridge-options.ts'
import { ConnectRefused, type Level, NoAnswer } from './refusals.ts'

/** How it connects. */
export interface Mode {
  readonly level: Level
  /** Before MQTT 5: says that it is a bridge. */
  readonly bridgeBit: boolean
  readonly willQos: 0 | 1
  readonly willRetain: boolean
}

const LEVELS = { mqttv31: 3, mqttv311: 4, mqttv50: 5 } as const

export function configuredMode({ protocolVersion, tryPrivate }: BridgeOptions): Mode {
  const level = LEVELS[protocolVersion]
  return { level, bridgeBit: level < 5 && tryPrivate, willQos: 1, willRetain: true }
}

/** Another one that the other broker may take, where it has refused this one for what it is. */
export function otherMode(mode: Mode, error: unknown, bridge: BridgeOptions): (Mode & { why: string }) | undefined {
  const code = error instanceof ConnectRefused ? error.code : undefined
  if (mode.level === 5) {
    if (code === 0x84 || code === 1) {
      const why = `Remote bridge ${bridge.name} does not support MQTT v5.0, reconnecting using MQTT v3.1.1.`
      return { ...mode, level: 4, bridgeBit: bridge.tryPrivate, why }
    }
    if (code === 0x9b && mode.willQos === 1)
      return { ...mode, willQos: 0, why: 'Connection Refused: QoS not supported (will retry)' }
    if (code === 0x9a && mode.willRetain)
      return { ...mode, willRetain: false, why: 'Connection Refused: retain not available (will retry)' }
  }
  // Who does not know the bit refuses the version, or closes.
  if (mode.bridgeBit && (code === 1 || (error instanceof NoAnswer && error.isClosed)))
    return { ...mode, bridgeBit: false, why: 'it does not know bridges, reconnecting as a client' }
  return undefined
}

/** `mostReceived`: messages that this broker takes unacknowledged. */
export function connectOf(
  bridge: BridgeOptions,
  { level, willQos, willRetain }: Mode,
  mostReceived: number,
): IConnectPacket {
  const { remoteUsername, remotePassword, remoteClientId, cleanSession, keepAlive } = bridge
  return {
    cmd: 'connect',
    protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: level,
    clientId: remoteClientId,
    clean: cleanSession,
    keepalive: keepAlive,
    ...(remoteUsername === undefined ? {} : { username: remoteUsername }),
    ...(remotePassword === undefined ? {} : { password: Buffer.from(remotePassword) }),
    ...(bridge.notifications && !bridge.notificationsLocalOnly
      ? { will: { topic: bridge.notificationTopic, payload: '0', qos: willQos, retain: willRetain } }
      : {}),
    ...(level === 5 ? { properties: propertiesOf(bridge, mostReceived) } : {}),
  }
}

function propertiesOf(bridge: BridgeOptions, mostReceived: number) {
  const { topicAliasMaximum, sessionExpiryInterval, receiveMaximum } = bridge
  return {
    ...(topicAliasMaximum === 0 ? {} : { topicAliasMaximum }),
    ...(sessionExpiryInterval === 0 ? {} : { sessionExpiryInterval }),
    receiveMaximum: Math.min(receiveMaximum, mostReceived),
  }
}

/** Of the session here. Its user is known otherwise: a name of this CONNECT would be looked up. */
export function localConnectOf(bridge: BridgeOptions, receiveMaximum: number): IConnectPacket {
  const { localClientId, localCleanSession } = bridge
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId: localClientId,
    clean: localCleanSession,
    keepalive: 0,
    properties: { receiveMaximum, ...(localCleanSession ? {} : { sessionExpiryInterval: FOR_EVER }) },
  }
}

const FOR_EVER = 0xffff_ffff
