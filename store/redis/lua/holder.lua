-- Who holds the session of a token id.
function parts.holder()
  local token = need('token')

  -- The session of a token id: { node ('' when no connection holds it), state expires (0: never), unclean, dropped: highest
  -- epoch that was ended by a clean start while a connection held it, or nil }; looked up once in a batch.
  local function session_of(record)
    if not token.has(record, token.SESSION) then return nil end
    if record.session == nil then
      local packed = call('HGET', record.base .. KEY.sessions, record.serial)
      record.session = false
      if packed then
        local node, expires, unclean, dropped = unpack_packed(packed)
        record.session = { node = node, expires = expires, unclean = unclean, dropped = dropped }
      end
    end
    return record.session or nil
  end

  -- Nobody holds it, it was closed, and its time has come. One that was not closed waits for its device.
  local function is_over(session)
    return session.node == '' and not session.unclean and session.expires > 0 and session.expires <= NOW
  end

  local function store_session(record, node, expires, unclean, dropped)
    local before = session_of(record)
    dropped = dropped or before and before.dropped
    local packed = dropped and pack(node, expires, unclean, dropped) or pack(node, expires, unclean)
    call('HSET', record.base .. KEY.sessions, record.serial, packed)
    record.session = { node = node, expires = expires, unclean = unclean, dropped = dropped }
    token.set_flag(record, token.SESSION, true)
  end

  -- Packet ids of QoS 2 that the session has received and that were not released.
  local function forget_received(record)
    if not token.has(record, token.RECEIVED) then return end
    call('DEL', record.base .. KEY.received .. record.serial)
    token.set_flag(record, token.RECEIVED, false)
  end

  -- The will that was kept when the session was closed. It outlives the state of the session. Gives it, or false.
  local function forget_will(record)
    if not token.has(record, token.WILL) then return false end
    token.set_flag(record, token.WILL, false)
    return need('wills').drop(record.base, 'd' .. record.id)
  end

  local function forget_session(record)
    call('HDEL', record.base .. KEY.sessions, record.serial)
    call('HDEL', record.base .. KEY.states, record.serial)
    forget_received(record)
    record.session = nil
    token.set_flag(record, token.SESSION, false)
  end

  -- Ends the hold of a connection. True when this node held it: its caller is told by the result of the step.
  local function end_session(record, reason)
    local session = session_of(record)
    if not session or session.node == '' then return false end
    store_session(record, '', session.expires, true)
    if session.node == NODE then return true end
    need('wakes').tell(session.node, { 'e', record.id, record.epoch, reason })
    return false
  end

  return { of = session_of, is_over = is_over, store = store_session, forget = forget_session, finish = end_session, forget_received = forget_received,
    forget_will = forget_will,
  }
end
