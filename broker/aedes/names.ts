/** Ids that are ours in Aedes: of the groups of shared subscriptions. */
import { sharedFilter } from '../codec/topic-syntax.ts'

/** State in Aedes is by client id; these ids are ours alone. */
export const RESERVED = '$push/'

/** The client that a group of a shared subscription is to the persistence. */
export function groupIdOf(name: string): string {
  return `${RESERVED}share/u/${name.slice('$share/'.length)}`
}

/** Undefined for one that is not well-formed: before MQTT 5 the gate lets it pass. [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
export function sharedFilterOf(name: string): string | undefined {
  try {
    return sharedFilter(name)?.filter
  } catch {
    return undefined
  }
}
