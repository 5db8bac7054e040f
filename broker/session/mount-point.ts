/**
 * The mount point of a listener: a prefix of its users' topics and filters, which their rules and everybody else see.
 */
import type { GeneralSubscription } from './general.ts'

type Place = Pick<GeneralSubscription, 'name' | 'filter' | 'group'>

/** Where a filter as it was asked for really is. */
export function mounted(place: Place, mountPoint: string): Place {
  if (mountPoint === '') return place
  const filter = `${mountPoint}${place.filter}`
  const { group } = place
  return group === undefined ? { name: filter, filter } : { name: `$share/${group}/${filter}`, filter, group }
}

/** A topic as a user there sees it; undefined: it lies outside. */
export function unmounted(topic: string, mountPoint: string): string | undefined {
  if (mountPoint === '') return topic
  return topic.startsWith(mountPoint) && topic.length > mountPoint.length ? topic.slice(mountPoint.length) : undefined
}
