-- Who holds the session of a token id.
function parts.holder()
  local token = need('token')

  -- The session of a token id: { node ('' when no connection holds it), state expires (0: never), unclean }
  local function session_of(record)
    if not token.has(record, token.SESSION) then return nil end
    local packed = call('HGET', record.base .. KEY.sessions, record.serial)
    if not packed then return nil end
    local node, expires, unclean = unpack_packed(packed)
    return { node = node, expires = expires, unclean = unclean }
  end

  local function store_session(record, node, expires, unclean)
    call('HSET', record.base .. KEY.sessions, record.serial, pack(node, expires, unclean))
    token.set_flag(record, token.SESSION, true)
  end

  local function forget_session(record)
    call('HDEL', record.base .. KEY.sessions, record.serial)
    call('HDEL', record.base .. KEY.states, record.serial)
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

  return { of = session_of, store = store_session, forget = forget_session, finish = end_session }
end
