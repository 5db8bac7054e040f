--[[
  open   base, id, app, generation, clean start
         -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED or
            { epoch, state or false, unclean, private cursor, broadcast cursor, last, epoch taken over here or false,
              marks or false, will of a session that this one ends or false, details (details.lua) where it has tags or false,
              { count, through } of what was missed, where something was }
  save   base, id, epoch, state                         -> SESSION_TAKEN_OVER or { }
  close  base, id, epoch, state or false, expires or 0, will at or false, will or false
         -> { where the session was ended before: epoch with which its will is due now or false }
  check  base, id, epoch, generation
         -> { }, { reason } when the session with this epoch is over, or { false, last } when Redis had lost it: it is open
            again, and its log may have grown unheard
]]
function parts.session()
  local token = need('token')
  local log = need('log')
  local wake = need('wakes')
  local holder = need('holder')
  local steps = {}
  function steps.open(step)
    local _, base, id, app, generation, clean = unpack(step)
    local record = token.of(base, id)
    if not record or record.app ~= app then return 'TOKEN_UNKNOWN' end
    local refused = token.refusal(record, generation)
    if refused then return refused end
    -- A JWT of a generation that is not known: the registry lost it in a crash, the JWT is the proof that it was given.
    if generation > record.generation then record.generation = generation end
    log.rebase(record)
    local will = holder.forget_will(record)

    local previous, state, unclean, ended, dropped = holder.of(record), false, false, false, nil
    if previous then
      local held = previous.node ~= ''
      if held or previous.unclean then token.show(record, record.last) end
      if not clean and not holder.is_over(previous) then
        state = call('HGET', base .. KEY.states, record.serial)
        unclean, will = held or previous.unclean, false
      else
        call('HDEL', base .. KEY.states, record.serial)
        holder.forget_received(record)
        dropped = held and record.epoch or nil
      end
      if previous.node == NODE then
        ended = record.epoch
      elseif held then
        wake.tell(previous.node, { 'e', id, record.epoch, 'SESSION_TAKEN_OVER' })
      end
    end
    -- Above every epoch that was given and lost, as the offsets of a log that begins.
    record.epoch = math.max(record.epoch + 1, ticks())
    token.see(record)
    holder.store(record, NODE, 0, false, dropped)
    local details = token.has(record, token.TAGGED) and need('details').of(record)
    return {
      record.epoch, state, unclean, record.cursor, record.broadcast, record.last, ended, token.marks_of(record), will, details,
      token.has(record, token.MISSED) and need('outcome').told_missed(record) or nil,
    }
  end

  function steps.save(step)
    local _, base, id, epoch, state = unpack(step)
    local record = token.of(base, id)
    local session = record and record.epoch == epoch and holder.of(record)
    if not session or session.node == '' then return 'SESSION_TAKEN_OVER' end
    call('HSET', base .. KEY.states, record.serial, state)
    return {}
  end

  -- A clean start has ended the session with this epoch. A device that was revoked, or is another account's now, has no will.
  local function is_dropped(record, epoch)
    if token.has(record, token.REVOKED) or not token.has(record, token.CURRENT) then return false end
    local session = holder.of(record)
    return session and session.dropped and session.dropped >= epoch
  end

  function steps.close(step)
    local _, base, id, epoch, state, expires, will_at, will = unpack(step)
    local record = token.of(base, id)
    if not record then return {} end
    if record.epoch ~= epoch then
      -- One that the newer session has left stays.
      if not state or not will_at or token.has(record, token.WILL) or not is_dropped(record, epoch) then return {} end
      need('wills').keep(base, 'd' .. id, record.epoch, NOW, false, will)
      token.set_flag(record, token.WILL, true)
      return { record.epoch }
    end
    local session = holder.of(record)
    if not session or holder.is_over(session) then return {} end
    holder.forget_will(record)
    token.see(record)
    token.show(record, record.last)
    if not state then
      holder.forget(record)
    else
      call('HSET', base .. KEY.states, record.serial, state)
      holder.store(record, '', expires, false)
      if expires > 0 then token.sweep_at(record, expires) end
      -- Of a device whose session was ended, such as by a revocation, none is published.
      if will_at and not session.unclean then
        need('wills').keep(base, 'd' .. id, epoch, will_at, false, will)
        token.set_flag(record, token.WILL, true)
      end
    end
    return {}
  end

  function steps.check(step)
    local _, base, id, epoch, generation = unpack(step)
    local record = token.of(base, id)
    if not record then return { 'TOKEN_UNKNOWN' } end
    if token.has(record, token.REVOKED) or generation < record.generation then return { 'TOKEN_REVOKED' } end
    if record.epoch > epoch then return { 'SESSION_TAKEN_OVER' } end
    if not token.has(record, token.CURRENT) then return { 'TOKEN_SUPERSEDED' } end
    local session = holder.of(record)
    if record.epoch == epoch and session then
      -- Revoked, or another account's for a while, and issued again since: nobody has taken this session, but it was ended.
      return session.node == NODE and {} or { 'TOKEN_REVOKED' }
    end
    -- Redis lost that it was opened: given back, over whoever had it before.
    if session and session.node ~= '' and session.node ~= NODE then
      wake.tell(session.node, { 'e', id, record.epoch, 'SESSION_TAKEN_OVER' })
    end
    record.generation, record.epoch, record.dirty = generation, epoch, true
    holder.store(record, NODE, 0, false)
    return { false, record.last }
  end

  return steps
end
