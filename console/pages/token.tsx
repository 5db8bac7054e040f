/** One token: what is known, what is pending, what happened last. */
import { call, part } from '../api/client.ts'
import type { InspectedToken, MessageStates, PendingMessage, PendingMessages } from '../api/types.ts'
import { Card, Confirm, Empty, Failure, Lacking, Notice, Refresh, State, Time } from '../parts/basics.tsx'
import { EventTable } from '../parts/event-table.tsx'
import { format } from '../parts/chart.tsx'
import { Fact, Facts } from '../parts/facts.tsx'
import { Payload, Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { useAction, useLoad } from '../state/call.ts'
import { useMay } from '../state/context.ts'
import { lastEventsOf } from '../state/last-events.ts'
import { linkTo } from '../state/route.ts'

export function InspectedTokenPage({ tokenId }: { readonly tokenId: string }) {
  const [{ value: token, error, isBusy }, again] = useLoad(tokenId, (signal) =>
    call<InspectedToken>('GET', `tokens/${part(tokenId)}`, { signal }),
  )
  if (error !== undefined) return <Failure error={error} retry={again} />
  if (token === undefined) return <p class="muted">Loading…</p>
  return (
    <>
      <Known token={token} isBusy={isBusy} again={again} />
      <Pending token={token} />
      <LastEvents token={token} />
    </>
  )
}

interface KnownProps {
  readonly token: InspectedToken
  readonly isBusy: boolean
  readonly again: () => void
}

function Known({ token, isBusy, again }: KnownProps) {
  const { tokenId, app, state, session, version, tags, lastSeen, expiresAt, pending, cursors } = token
  const actions = (
    <div class="row">
      <Refresh again={again} isBusy={isBusy} />
      <a class="button" href={linkTo('send', tokenId)}>
        Send to it
      </a>
      <Revoke tokenId={tokenId} done={again} />
    </div>
  )
  return (
    <Card title="Token" aside={actions}>
      <p class="subject mono">
        <Plain>{tokenId}</Plain> <State of={state} /> {session !== 'none' && <State of={session} />}
      </p>
      <Facts isWide>
        <Fact label="App">
          <a href={linkTo('inspect', 'app', app)}>
            <Plain>{app}</Plain>
          </a>
        </Fact>
        <Fact label="Version">{version === null ? 'none' : <Plain>{version}</Plain>}</Fact>
        <Fact label="Tags">{tags.length === 0 ? 'none' : tags.map((tag) => <Tag key={tag} text={tag} />)}</Fact>
        <Fact label="Session">{SESSIONS[session]}</Fact>
        <Fact label="Last seen">
          <Time at={lastSeen} />
        </Fact>
        <Fact label="Newest token ends">
          <Time at={expiresAt} />
        </Fact>
        <Fact label="Pending">
          {format(pending.messages)} private, {format(pending.bytes)} bytes
        </Fact>
        <Fact label="Acknowledged up to">
          private {cursors.private} of {cursors.privateEnd}, broadcast {cursors.broadcast}
        </Fact>
      </Facts>
    </Card>
  )
}

const SESSIONS = {
  connected: 'connected over MQTT',
  kept: 'away, its session is kept',
  none: 'not connected over MQTT',
} as const

function Tag({ text }: { readonly text: string }) {
  return (
    <span class="tag">
      <Plain>{text}</Plain>
    </span>
  )
}

function Revoke({ tokenId, done }: { readonly tokenId: string; readonly done: () => void }) {
  const may = useMay()
  const [revoking, revoke] = useAction(async () => {
    await call('DELETE', `tokens/${part(tokenId)}`)
    done()
  })
  if (!may('tokens:revoke')) return null
  return (
    <>
      <Failure error={revoking.error} />
      <Confirm label="Revoke" title="Revoke this token?" isBusy={revoking.isBusy} confirm={revoke}>
        <p>
          Every message token of this token id is refused at once, and its connection is closed. What is pending stays
          for a token issued later.
        </p>
      </Confirm>
    </>
  )
}

function Pending({ token: { tokenId } }: { readonly token: InspectedToken }) {
  const may = useMay()
  const [{ value, error }, again] = useLoad(`${tokenId} ${may('messages:read')}`, async (signal) =>
    may('messages:read')
      ? await call<PendingMessages>('GET', `tokens/${part(tokenId)}/messages`, { query: { limit: 50 }, signal })
      : undefined,
  )
  if (!may('messages:read'))
    return (
      <Card title="Pending">
        <Lacking scope="messages:read" what="see messages" />
      </Card>
    )
  return (
    <Card title="Pending" aside={<Refresh again={again} />}>
      <Failure error={error} retry={again} />
      {value?.messages.length === 0 && (
        <Empty title="Nothing is pending">The device has acknowledged all that was sent to it.</Empty>
      )}
      {value !== undefined && value.messages.length > 0 && (
        <Table label="Pending messages" columns={['Message', 'Payload', 'Stored', 'Expires', '(Actions)']}>
          {value.messages.map((message) => (
            <PendingRow key={`${message.log} ${message.id}`} message={message} tokenId={tokenId} done={again} />
          ))}
        </Table>
      )}
      {value?.more === true && <p class="muted">There are more behind these.</p>}
    </Card>
  )
}

interface PendingRowProps {
  readonly message: PendingMessage
  readonly tokenId: string
  readonly done: () => void
}

function PendingRow({ message, tokenId, done }: PendingRowProps) {
  const { id, log, bytes, storedAt, expiresAt, retain, receipt, collapseKey } = message
  const notes = [log === 'broadcast' && 'broadcast', retain && 'retained', receipt && 'receipt'].filter(Boolean)
  return (
    <tr>
      <td>
        <div class="mono">
          <Plain>{id}</Plain>
        </div>
        {notes.map((note) => (
          <span class="tag" key={String(note)}>
            {note}
          </span>
        ))}
        {collapseKey !== null && (
          <span class="tag">
            key <Plain>{collapseKey}</Plain>
          </span>
        )}
      </td>
      <td class="payload">
        <Payload of={message} what={`message ${id}`} />
        <span class="muted small-text">{format(bytes)} bytes</span>
      </td>
      <td>
        <Time at={storedAt} />
      </td>
      <td>
        <Time at={expiresAt} />
      </td>
      <td>{log === 'private' && <Recall id={id} tokenId={tokenId} done={done} />}</td>
    </tr>
  )
}

interface RecallProps {
  readonly id: string
  readonly tokenId: string
  readonly done: () => void
}

function Recall({ id, tokenId, done }: RecallProps) {
  const may = useMay()
  const [recalling, recall] = useAction(async () => {
    const answer = await call<MessageStates>('POST', `messages/${part(id)}/recall`, {
      body: { to: { token: tokenId } },
    })
    done()
    return answer
  })
  if (!may('messages:send')) return null
  const [state] = recalling.value?.states ?? []
  return (
    <>
      <Failure error={recalling.error} />
      {state !== undefined && (
        <Notice kind="good">
          {state.state}
          {state.mayHaveBeenSeen === true ? ', but it may have been seen' : ''}
        </Notice>
      )}
      <Confirm label="Recall" title="Take this message back?" isSmall isBusy={recalling.isBusy} confirm={recall}>
        <p>It is not sent any more. A device that has it keeps it.</p>
      </Confirm>
    </>
  )
}

function LastEvents({ token: { app, tokenId } }: { readonly token: InspectedToken }) {
  const may = useMay()
  const [{ value, error, isBusy }, again] = useLoad(`${tokenId} ${may('events:read')}`, async (signal) =>
    may('events:read') ? await lastEventsOf(app, tokenId, signal) : [],
  )
  if (!may('events:read'))
    return (
      <Card title="Last events">
        <Lacking scope="events:read" what="read events" />
      </Card>
    )
  return (
    <Card title="Last events" aside={<Refresh again={again} />}>
      <Failure error={error} retry={again} />
      {value === undefined && isBusy && <p class="muted">Loading…</p>}
      {value?.length === 0 && (
        <Empty title="No events of this token">
          Messages tell of their end where they asked for a receipt. What happens to tokens is kept while somebody reads
          the events of the app.
        </Empty>
      )}
      {value !== undefined && value.length > 0 && <EventTable label="Last events" events={value} isOfOne />}
    </Card>
  )
}
