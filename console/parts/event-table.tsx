/** Events, as a table. */
import type { PushEvent } from '../api/types.ts'
import { Clock, State, Time } from './basics.tsx'
import { Payload, Plain } from './plain.tsx'
import { Table } from './table.tsx'
import { TokenLink } from './token-link.tsx'

interface EventTableProps {
  readonly label: string
  readonly events: readonly PushEvent[]
  /** All are of one token, which need not be said. */
  readonly isOfOne?: boolean
}

export function EventTable({ label, events, isOfOne = false }: EventTableProps) {
  const columns = ['Time', 'Event', ...(isOfOne ? [] : ['Token id']), 'About']
  return (
    <Table label={label} columns={columns}>
      {events.map((event) => (
        <tr key={event.eventId}>
          <td>{isOfOne ? <Time at={event.at} /> : <Clock at={event.at} />}</td>
          <td>
            <State of={event.type} />
          </td>
          {!isOfOne && (
            <td>{event.tokenId === undefined ? 'all of the app' : <TokenLink tokenId={event.tokenId} />}</td>
          )}
          <td class="payload">
            <About event={event} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

function About({ event }: { readonly event: PushEvent }) {
  const { type, id, topic, switchedFrom } = event
  if (type === 'upstream')
    return (
      <>
        <div class="mono">
          <Plain>{topic ?? ''}</Plain>
        </div>
        <Payload of={event} what={`event ${event.eventId}`} />
      </>
    )
  if (switchedFrom !== undefined)
    return (
      <>
        from <TokenLink tokenId={switchedFrom} />
      </>
    )
  return type.startsWith('token.') ? (
    <span class="muted">–</span>
  ) : (
    <>
      message{' '}
      <span class="mono">
        <Plain>{id}</Plain>
      </span>
    </>
  )
}
