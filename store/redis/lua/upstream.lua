--[[
  What devices publish, beside the records of their token ids.

  upstream          base, id, app, generation, epoch or 0, subject, expires, entry, stored, packet id to remember or 0
                    -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, SESSION_TAKEN_OVER, UPSTREAM_SHARE, RETAINED_LIMIT,
                    RECEIVE_MAXIMUM_EXCEEDED or { offset or 0, duplicate, read, dropped, expired }
  group             base, log, entry, uid or false
                    -> { offset, 0: nobody reads it, -1: it is full, or -2: it has a message of this uid, expired }
  release_upstream  base, id, epoch, packet id         -> SESSION_TAKEN_OVER or { was remembered }
  events            base, log, again, entry, ...  -> { dropped, expired, offset or 0, ... }; again: what another store
                    had, which is stored whatever the limits are, and whether anybody reads it
  read_upstream     base, app, after, entries, bytes   -> { read to, last, offset, entry, ... }
  read_unread       base, app, reader, after, entries, bytes
                    -> { known, missed, read to, last, offset, entry, ... }; after its cursor, where that is later
]]
function parts.upstream()
  local token = need('token')
  local log = need('log')
  local holder = need('holder')
  local wake = need('wakes')
  local readers = need('readers')
  local steps = {}
  local PACKET_IDS = 65535

  -- The session of this epoch is over. A higher one than is known is of a session that Redis lost, and is given back.
  local function is_over(record, epoch)
    if epoch ~= record.epoch then return epoch < record.epoch end
    local session = holder.of(record)
    return not session or session.node == ''
  end

  local function refusal(record, app, generation, epoch)
    if not record or record.app ~= app then return 'TOKEN_UNKNOWN' end
    local refused = token.refusal(record, generation)
    if refused then return refused end
    if epoch > 0 and is_over(record, epoch) then return 'SESSION_TAKEN_OVER' end
    return nil
  end

  local function received_of(record) return record.base .. KEY.received .. record.serial end

  -- Tells the other nodes that listen, this one knows but of receipts; whether anybody does. What is stored nowhere travels whole.
  local function tell(upstream, offset, entry, is_receipt)
    local anybody, nodes = false, upstream.nodes
    local part = tonumber(string.match(upstream.base, ':(%d+)}$'))
    for i = 1, #nodes, 2 do
      local node = nodes[i]
      if nodes[i + 1] > NOW then
        anybody = true
        if node ~= NODE or is_receipt then
          local carried = entry and (offset == 0 and entry or wake.carried(node, entry))
          wake.tell(node, { 'u', upstream.app, part, offset, carried })
        end
      end
    end
    return anybody
  end

  -- Returns offset, dropped, expired; nil: the token id has too much unread.
  local function append(upstream, id, payload, expires, entry)
    upstream.dirty = true
    if not need('shares').take(upstream, id, payload) then return nil end
    log.rebase(upstream)
    upstream.dropped = {}
    local offset, dropped, expired = log.append(upstream, entry, payload, LIMIT.upstream_messages, LIMIT.upstream_bytes)
    if dropped > 0 then readers.count_missed(upstream, upstream.dropped) end
    upstream.dropped = nil
    readers.sweep_at(upstream, expires)
    return offset, dropped, expired
  end

  -- Written with the end of its message, whether anybody reads it or not. Returns dropped, expired.
  function steps.append_receipt(base, app, entry)
    local record = readers.of(base, app)
    readers.expire(record)
    log.rebase(record)
    local payload, leaves = struct.unpack('>I4I6', entry, 2)
    record.dropped, record.receipts = {}, true
    local offset, dropped, expired = log.append(record, entry, payload, LIMIT.event_messages, LIMIT.event_bytes)
    if dropped > 0 then readers.count_missed(record, record.dropped) end
    record.dropped = nil
    readers.sweep_at(record, leaves)
    tell(record, offset, entry, true)
    return dropped, expired
  end

  -- Nothing refuses them: the oldest go.
  function steps.events(step)
    local base, app, again = step[2], step[3], step[4]
    local record, result = readers.of(base, app), { 0, 0 }
    readers.expire(record)
    local is_kept = again or record.readers > 0
    local messages, bytes = math.huge, math.huge
    if not again then messages, bytes = LIMIT.event_messages, LIMIT.event_bytes end
    if is_kept then log.rebase(record) end
    record.dropped = {}
    for i = 5, #step do
      local entry, offset, dropped, expired = step[i], 0, 0, 0
      if is_kept then
        local payload, leaves = struct.unpack('>I4I6', entry, 2)
        offset, dropped, expired = log.append(record, entry, payload, messages, bytes)
        readers.sweep_at(record, leaves)
        tell(record, offset, entry)
      end
      result[1], result[2] = result[1] + dropped, result[2] + expired
      result[#result + 1] = offset
    end
    if #record.dropped > 0 then readers.count_missed(record, record.dropped) end
    record.dropped = nil
    return result
  end

  -- The newest is refused, as by the log of a session.
  function steps.group(step)
    local _, base, app, entry, uid = unpack(step)
    local record, logs = readers.of(base, app), need('session_logs')
    readers.expire(record)
    if record.readers == 0 then return { 0, 0 } end
    if uid and logs.has_taken(base, uid, app) then return { -2, 0 } end
    local payload, leaves = struct.unpack('>I4I6', entry, 2)
    local function is_full()
      return record.count >= LIMIT.stored_messages or record.bytes + payload > LIMIT.stored_bytes
    end
    local freed = 0
    if is_full() and record.count > 0 then freed = need('expiry').entries(record, 1) end
    if is_full() then return { -1, freed } end
    log.rebase(record)
    local offset = log.append(record, entry, payload, math.huge, math.huge)
    if uid then logs.take(base, uid, app) end
    readers.sweep_at(record, leaves)
    tell(record, offset, entry)
    return { offset, freed }
  end

  function steps.upstream(step)
    local _, base, id, app, generation, epoch, subject, expires, entry, is_stored, packet = unpack(step)
    local record = token.of(base, id)
    local refused = refusal(record, app, generation, epoch)
    if refused then return refused end
    local upstream = readers.of(base, app)
    readers.expire(upstream)
    local read = upstream.readers > 0
    if packet > 0 and token.has(record, token.RECEIVED) then
      if call('SISMEMBER', received_of(record), packet) == 1 then return { 0, true, read, 0, 0 } end
      if call('SCARD', received_of(record)) >= PACKET_IDS then return 'RECEIVE_MAXIMUM_EXCEEDED' end
    end
    local flags, payload, leaves = struct.unpack('>BI4I6', entry)
    local retained = flags % 2 == 1 and need('retaining')
    if retained and not retained.may(record, subject, payload) then return 'RETAINED_LIMIT' end
    local offset, dropped, expired = 0, 0, 0
    if is_stored and read then
      offset, dropped, expired = append(upstream, id, payload, leaves, entry)
      if not offset then return 'UPSTREAM_SHARE' end
    end
    if packet > 0 then
      call('SADD', received_of(record), packet)
      token.set_flag(record, token.RECEIVED, true)
    end
    if retained then retained.retain(record, subject, payload, expires, offset, entry) end
    if (offset > 0 or not is_stored) and tell(upstream, offset, entry) then read = true end
    return { offset, false, read, dropped, expired }
  end

  function steps.release_upstream(step)
    local _, base, id, epoch, packet = unpack(step)
    local record = token.of(base, id)
    if not record or is_over(record, epoch) then return 'SESSION_TAKEN_OVER' end
    return { token.has(record, token.RECEIVED) and call('SREM', received_of(record), packet) == 1 }
  end

  function steps.read_upstream(step)
    local _, base, app, after, most, bytes = unpack(step)
    return log.read(readers.of(base, app), after, most, bytes)
  end

  function steps.read_unread(step)
    local _, base, app, name, after, most, bytes = unpack(step)
    local record, known, missed = readers.of(base, app), false, 0
    local packed = record.readers > 0 and call('HGET', readers.readers_of(record), name)
    if packed then
      local _, cursor, expires, passed_by = struct.unpack(readers.READER, packed)
      known = expires == 0 or expires > NOW
      if known then after, missed = math.max(after, cursor), passed_by end
    end
    local result = log.read(record, after, most, bytes)
    table.insert(result, 1, missed)
    table.insert(result, 1, known)
    return result
  end

  steps.tell = tell
  return steps
end
