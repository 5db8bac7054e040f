/** Ids that are ours in Aedes: of providers' sessions, and of the groups of shared subscriptions. */
import type { Provider } from '../../topics/index.ts'
import { sharedFilter } from '../codec/topic-syntax.ts'

/** Session and will state in Aedes is by client id; these ids are ours alone. */
export const RESERVED = '$push/'

/** A provider's session lives under the provider's name: a client id never reaches another principal's session. */
export function sessionIdOf({ name }: Provider, clientId: string): string {
  return `${RESERVED}p/${encodeURIComponent(name)}/${clientId}`
}

/** The client that a group of a shared subscription is to the persistence; each provider has groups of its own. */
export function groupIdOf(provider: Provider | undefined, name: string): string {
  const scope = provider === undefined ? 'u' : `p/${encodeURIComponent(provider.name)}`
  return `${RESERVED}share/${scope}/${name.slice('$share/'.length)}`
}

/** Undefined for one that is not well-formed: before MQTT 5 the gate lets it pass. [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
export function sharedFilterOf(name: string): string | undefined {
  try {
    return sharedFilter(name)?.filter
  } catch {
    return undefined
  }
}
