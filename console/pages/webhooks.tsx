/** Webhooks: the list of them, making one, and one of them. */
import { useState } from 'preact/hooks'
import { call } from '../api/client.ts'
import type { MadeWebhook, Webhook, WebhookList } from '../api/types.ts'
import { Card, Empty, Failure, Lacking, Refresh, State, Time } from '../parts/basics.tsx'
import { Choice, Field, Form } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { useAction, useLoad } from '../state/call.ts'
import { useMay } from '../state/context.ts'
import { linkTo } from '../state/route.ts'
import { EventTypes, KeepFor, NewSecret, Types, typesIn, Url } from './webhook-parts.tsx'
import { WebhookPage } from './webhook.tsx'

export function Webhooks({ rest: [id] }: { readonly rest: readonly string[] }) {
  return id === undefined ? <All /> : <WebhookPage id={id} />
}

function All() {
  const may = useMay()
  const [{ value, error }, again] = useLoad('webhooks', (signal) =>
    call<WebhookList>('GET', 'webhooks', { query: { limit: 200 }, signal }),
  )
  return (
    <>
      <Card title="Webhooks" aside={<Refresh again={again} />}>
        <Failure error={error} retry={again} />
        {value?.webhooks.length === 0 && (
          <Empty title="No webhooks">A webhook calls a server of yours when something happens in an app.</Empty>
        )}
        {value !== undefined && value.webhooks.length > 0 && <List webhooks={value.webhooks} />}
        {value !== undefined && value.cursor !== null && <p class="muted">There are more behind these.</p>}
      </Card>
      {may('events:read') ? (
        <Make done={again} />
      ) : (
        <Card title="Make a webhook">
          <Lacking scope="events:read" what="make webhooks" />
        </Card>
      )}
    </>
  )
}

function List({ webhooks }: { readonly webhooks: readonly Webhook[] }) {
  return (
    <Table label="Webhooks" columns={['URL', 'App', 'Events', 'State', 'Made']}>
      {webhooks.map(({ id, url, app, types, state, disabledAt, disabledBecause, createdAt }) => (
        <tr key={id}>
          <td>
            <a href={linkTo('webhooks', id)}>
              <Plain>{url}</Plain>
            </a>
          </td>
          <td>
            <Plain>{app}</Plain>
          </td>
          <td>
            <EventTypes of={types} />
          </td>
          <td>
            <State of={state} />
            {disabledBecause !== null && (
              <div class="muted small-text">
                <Plain>{disabledBecause}</Plain> <Time at={disabledAt} />
              </div>
            )}
          </td>
          <td>
            <Time at={createdAt} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

function Make({ done }: { readonly done: () => void }) {
  const [app, setApp] = useState('')
  const [url, setUrl] = useState('')
  const [types, setTypes] = useState('')
  const [keepFor, setKeepFor] = useState('')
  const [from, setFrom] = useState<'latest' | 'earliest'>('latest')
  const [making, make] = useAction(async () => {
    const named = typesIn(types)
    const body = {
      app,
      url,
      from,
      ...(named === null ? {} : { types: named }),
      ...(keepFor === '' ? {} : { keepFor: Number(keepFor) }),
    }
    const made = await call<MadeWebhook>('POST', 'webhooks', { body })
    done()
    return made
  })
  return (
    <Card title="Make a webhook">
      <Form label="Make a webhook" submit={make}>
        <div class="grid-2">
          <Field label="App" value={app} set={setApp} isRequired />
          <Url value={url} set={setUrl} />
          <Types value={types} set={setTypes} />
          <KeepFor value={keepFor} set={setKeepFor} hint="Seconds; empty: 3600." />
        </div>
        <Choice
          label="Begin with"
          value={from}
          set={setFrom}
          options={[
            ['latest', 'What comes'],
            ['earliest', 'What is stored'],
          ]}
        />
        <div class="row end">
          <button type="submit" class="primary" disabled={making.isBusy}>
            Make a webhook
          </button>
        </div>
      </Form>
      <Failure error={making.error} />
      {making.value !== undefined && <NewSecret made={making.value} />}
    </Card>
  )
}
