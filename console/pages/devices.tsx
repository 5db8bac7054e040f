/** Tokens for devices, and codes with which they get their own. */
import { useState } from 'preact/hooks'
import { call, part } from '../api/client.ts'
import type { EnrolmentList, IssuedToken, MadeEnrolment } from '../api/types.ts'
import { Card, Confirm, Empty, Failure, Notice, Refresh, Secret, Time } from '../parts/basics.tsx'
import { Fact, Facts } from '../parts/facts.tsx'
import { Check, Field, Form, listed } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { TokenLink } from '../parts/token-link.tsx'
import { useAction, useLoad } from '../state/call.ts'

export function Devices() {
  const [{ value, error }, again] = useLoad('enrolments', (signal) =>
    call<EnrolmentList>('GET', 'enrolments', { query: { limit: 100 }, signal }),
  )
  return (
    <>
      <div class="columns">
        <Issue />
        <Enrol done={again} />
      </div>
      <Card title="Open codes" aside={<Refresh again={again} />}>
        <Failure error={error} retry={again} />
        {value?.enrolments.length === 0 && (
          <Empty title="No open codes">A code ends when its time is over, or ten minutes after its use.</Empty>
        )}
        {value !== undefined && value.enrolments.length > 0 && <Codes list={value} done={again} />}
      </Card>
    </>
  )
}

function Issue() {
  const [app, setApp] = useState('')
  const [device, setDevice] = useState('')
  const [account, setAccount] = useState('')
  const [version, setVersion] = useState('')
  const [tags, setTags] = useState('')
  const [issuing, issue] = useAction(() => {
    const body = {
      app,
      ...(device === '' ? {} : { device }),
      ...(account === '' ? {} : { account }),
      ...(version === '' ? {} : { version }),
      ...(tags.trim() === '' ? {} : { tags: listed(tags) }),
    }
    return call<IssuedToken>('POST', 'tokens', { body })
  })
  return (
    <Card title="Issue a token">
      <Form label="Issue a token" submit={issue}>
        <div class="grid-2">
          <Field label="App" value={app} set={setApp} isRequired />
          <Field label="Device" value={device} set={setDevice} hint="Empty: the server makes a name." />
          <Field label="Account" value={account} set={setAccount} hint="Empty: nobody is logged in." />
          <Field label="Version" value={version} set={setVersion} placeholder="2.1.0" />
        </div>
        <Field label="Tags" value={tags} set={setTags} hint="With commas. Empty: they stay as they are." />
        <div class="row end">
          <button type="submit" class="primary" disabled={issuing.isBusy}>
            Issue
          </button>
        </div>
      </Form>
      <Failure error={issuing.error} />
      {issuing.value !== undefined && <Issued token={issuing.value} />}
    </Card>
  )
}

function Issued({ token: { token, tokenId, device, expiresAt, topics } }: { readonly token: IssuedToken }) {
  return (
    <>
      <Notice kind="good">
        <strong>Issued.</strong> Whoever has the token is this device: it is shown here only.
      </Notice>
      <Secret label="Message token" text={token} />
      <Facts>
        <Fact label="Token id">
          <TokenLink tokenId={tokenId} />
        </Fact>
        <Fact label="Device">
          <Plain>{device}</Plain>
        </Fact>
        <Fact label="Private topic" isMono>
          <Plain>{topics.private}</Plain>
        </Fact>
        {topics.broadcast !== null && (
          <Fact label="Broadcast topic" isMono>
            <Plain>{topics.broadcast}</Plain>
          </Fact>
        )}
        <Fact label="Ends">
          <Time at={expiresAt} />
        </Fact>
      </Facts>
    </>
  )
}

function Enrol({ done }: { readonly done: () => void }) {
  const [app, setApp] = useState('')
  const [account, setAccount] = useState('')
  const [device, setDevice] = useState('')
  const [ttl, setTtl] = useState('')
  const [takeOver, setTakeOver] = useState(false)
  const [making, make] = useAction(async () => {
    const body = {
      app,
      ...(account === '' ? {} : { account }),
      ...(device === '' ? {} : { device }),
      ...(ttl === '' ? {} : { ttl: Number(ttl) }),
      ...(takeOver ? { takeOver } : {}),
    }
    const made = await call<MadeEnrolment>('POST', 'enrolments', { body })
    done()
    return made
  })
  return (
    <Card title="Make an enrolment code">
      <Form label="Make an enrolment code" submit={make}>
        <div class="grid-2">
          <Field label="App" value={app} set={setApp} isRequired />
          <Field label="Account" value={account} set={setAccount} />
          <Field label="Device" value={device} set={setDevice} hint="Empty: the first one that uses it." />
          <Field label="Valid for" value={ttl} set={setTtl} type="number" hint="Seconds; 600 when empty." />
        </div>
        <Check label="Also where another account is logged in" isOn={takeOver} set={setTakeOver} />
        <div class="row end">
          <button type="submit" class="primary" disabled={making.isBusy}>
            Make a code
          </button>
        </div>
      </Form>
      <Failure error={making.error} />
      {making.value !== undefined && (
        <>
          <Notice kind="good">
            The device sends it once, as the Bearer token of <code>POST /v1/tokens</code>. It ends{' '}
            <Time at={making.value.expiresAt} />.
          </Notice>
          <Secret label="Enrolment code" text={making.value.code} />
        </>
      )}
    </Card>
  )
}

function Codes({ list: { enrolments, cursor }, done }: { readonly list: EnrolmentList; readonly done: () => void }) {
  return (
    <>
      <Table label="Open codes" columns={['Id', 'App', 'Made by', 'Made', 'Ends', 'Used', '(Actions)']}>
        {enrolments.map(({ id, app, createdBy, createdAt, expiresAt, usedAt }) => (
          <tr key={id}>
            <td class="mono">
              <Plain>{id}</Plain>
            </td>
            <td>
              <Plain>{app}</Plain>
            </td>
            <td>
              <Plain>{createdBy}</Plain>
            </td>
            <td>
              <Time at={createdAt} />
            </td>
            <td>
              <Time at={expiresAt} />
            </td>
            <td>{usedAt === null ? <span class="muted">not yet</span> : <Time at={usedAt} />}</td>
            <td>
              <DeleteCode id={id} done={done} />
            </td>
          </tr>
        ))}
      </Table>
      {cursor !== null && <p class="muted">There are more behind these.</p>}
    </>
  )
}

function DeleteCode({ id, done }: { readonly id: string; readonly done: () => void }) {
  const [deleting, remove] = useAction(async () => {
    await call('DELETE', `enrolments/${part(id)}`)
    done()
  })
  return (
    <>
      <Failure error={deleting.error} />
      <Confirm label="Delete" title="Delete this code?" isSmall isBusy={deleting.isBusy} confirm={remove}>
        <p>Nobody can use it any more. A token that was issued for it stays.</p>
      </Confirm>
    </>
  )
}
