--[[
  Sessions that are known by a name. A partition has them in one hash (KEY.named), field -> version, epoch, node ('': no
  connection holds it), when it ends (0: never), flags, how long it is kept when its node dies (-1: for ever), when it was
  opened, name or false, the epoch with which it began; and, where it has had a log, what is known of that (session_logs.lua):
  run, last, head, count, bytes, how many entries share their body, when something of it has to be swept, gaps. Version and
  epoch come first in every version. The field is the name; of a long name, it is 0xff, which no UTF-8 has, and its SHA-256,
  and the name is in the value.

  The field FLOOR has the highest epoch of those that are forgotten. A field of ENDED and the field of a session says that
  the subscriptions which it had up to an epoch have to be ended (epoch, name or false): they are in another slot.
  KEY.namedDue has the fields by when they end, of sessions that nobody holds, and those of ENDED.

  `name` is false where the field is the name. `opened`: false, or how long the session is kept: this node knows that it has
  opened it with this epoch and not closed it, so that Redis lost that where it knows of nothing newer; it is then as it was.

  open_named   base, field, name or false, clean start, kept
               -> { epoch, state or false, unclean, epoch taken over here or false, epoch whose subscriptions ended or false,
               has subscriptions, will of a session that this one ends or false, its last state or false }
  save_named   base, field, name or false, epoch, opened, state                         -> SESSION_TAKEN_OVER or { }
  close_named  base, field, name or false, epoch, opened, state or false, expires or 0, will at or false, will or false
               -> { epoch whose subscriptions ended or false, where the session was ended before: epoch with which its will is due now
               or false }
  check_named  base, field, name or false, epoch, opened
               -> { }, { true } when the session with this epoch is over, or { false } when Redis had lost it: it is open
               again, without its state
  remember     base, field, name or false, epoch, opened, packet id, what is known of it
               -> SESSION_TAKEN_OVER or { what was remembered before or false }
  release      base, field, name or false, epoch, opened, packet id   -> SESSION_TAKEN_OVER or { what is known of it or false }
  subscribe    base, field, name or false, epoch, opened   -> SESSION_TAKEN_OVER or { }: its subscriptions may change
  All of them: NEWER_FORMAT when a later version wrote it.
]]
function parts.named()
  local wake = need('wakes')
  local wills = need('wills')
  local steps = {}
  local VERSION, FLOOR, ENDED = 1, '\255', '\254'
  local STATE, SUBSCRIBED, WILL, UNCLEAN, RECEIVED = 1, 2, 4, 8, 16
  -- What is read in one batch, and written once at its end: base and field -> place, base -> floor.
  local places, floors
  each_batch(function() places, floors = {}, {} end)

  local function has(session, flag) return bit.band(session.flags, flag) ~= 0 end

  local function set_flag(session, flag, on)
    local flags = on and bit.bor(session.flags, flag) or bit.band(session.flags, bit.bnot(flag))
    if flags ~= session.flags then
      session.flags, session.dirty = flags, true
    end
  end

  local function entry_gone(...) return need('session_logs').gone(...) end

  local function session_at(place, epoch, node, kept)
    return {
      base = place.base, field = place.field, entries = place.base .. KEY.sessionLog .. place.field, serial = 0,
      gone = entry_gone, epoch = epoch, node = node, expires = 0, flags = 0, kept = kept, opened = NOW, born = epoch,
      run = 0, last = 0, head = 0, count = 0, bytes = 0, shared = 0, due = 0,
    }
  end

  local function parse(place, packed)
    local version, epoch, node, expires, flags, kept, opened, name, born, run, last, head, count, bytes, shared, due, gaps =
      unpack_packed(packed)
    if version ~= VERSION then
      place.newer = true
      return nil
    end
    local s = session_at(place, epoch, node, kept)
    s.expires, s.flags, s.opened, s.born = expires, flags, opened, born
    place.name = place.name or name
    if run then
      s.run, s.last, s.head, s.count, s.bytes, s.shared, s.due, s.gaps = run, last, head, count, bytes, shared, due, gaps
    end
    return s
  end

  local function place_of(base, field, packed, ended)
    local place = { base = base, field = field, name = false }
    if packed then place.session = parse(place, packed) end
    if ended then place.ended, place.name = unpack_packed(ended) end
    places[base .. field] = place
    return place
  end

  -- Reads the places of so many fields together.
  local function load(base, fields)
    local wanted = {}
    for _, field in ipairs(fields) do
      if not places[base .. field] then
        wanted[#wanted + 1] = field
        wanted[#wanted + 1] = ENDED .. field
      end
    end
    if #wanted == 0 then return end
    wanted[#wanted + 1] = FLOOR
    local found = call('HMGET', base .. KEY.named, unpack(wanted))
    for i = 1, #wanted - 1, 2 do place_of(base, wanted[i], found[i], found[i + 1]) end
    floors[base] = floors[base] or tonumber(found[#wanted] or '0')
  end

  local function find_place(base, field, name)
    local place = places[base .. field]
    if not place then
      load(base, { field })
      place = places[base .. field]
    end
    place.name = name or place.name
    return place
  end

  -- Looks for the session that a step names, before its work.
  local function reading(work)
    return function(step)
      local place = find_place(step[2], step[3], step[4])
      if place.newer then return 'NEWER_FORMAT' end
      return work(place, step)
    end
  end

  local function write_session(place, s)
    local packed = nil
    if s.last == 0 then
      packed = pack(VERSION, s.epoch, s.node, s.expires, s.flags, s.kept, s.opened, place.name, s.born)
    elseif s.gaps then
      packed = pack(VERSION, s.epoch, s.node, s.expires, s.flags, s.kept, s.opened, place.name, s.born, s.run, s.last, s.head, s.count, s.bytes, s.shared, s.due, s.gaps)
    else
      packed = pack(VERSION, s.epoch, s.node, s.expires, s.flags, s.kept, s.opened, place.name, s.born, s.run, s.last, s.head, s.count, s.bytes, s.shared, s.due)
    end
    call('HSET', place.base .. KEY.named, place.field, packed)
    s.dirty = false
  end

  -- What this batch has changed.
  local function write_all()
    for _, place in pairs(places) do
      if place.session and place.session.dirty then write_session(place, place.session) end
    end
  end

  local function set_expires(place, session, expires)
    if expires > 0 then
      call('ZADD', place.base .. KEY.namedDue, expires, place.field)
    elseif session.expires > 0 then
      call('ZREM', place.base .. KEY.namedDue, place.field)
    end
    session.expires, session.dirty = expires, true
  end

  local function state_of(place)
    return has(place.session, STATE) and call('HGET', place.base .. KEY.namedStates, place.field) or false
  end

  local function put_state(place, state)
    call('HSET', place.base .. KEY.namedStates, place.field, state)
    set_flag(place.session, STATE, true)
  end

  -- What was subscribed up to now has to be ended, in another slot.
  local function end_subscriptions(place, epoch)
    if not has(place.session, SUBSCRIBED) then return end
    set_flag(place.session, SUBSCRIBED, false)
    place.ended = epoch
    call('HSET', place.base .. KEY.named, ENDED .. place.field, pack(epoch, place.name))
    call('ZADD', place.base .. KEY.namedDue, NOW, ENDED .. place.field)
  end

  -- Everything that a session has beyond its record and its will.
  local function discard(place)
    local session = place.session
    if has(session, STATE) then call('HDEL', place.base .. KEY.namedStates, place.field) end
    if has(session, RECEIVED) then call('UNLINK', place.base .. KEY.namedReceived .. place.field) end
    if session.last > 0 then need('session_logs').clear(session) end
    end_subscriptions(place, session.epoch)
    set_flag(session, STATE, false)
    set_flag(session, RECEIVED, false)
    set_flag(session, UNCLEAN, false)
  end

  local function raise_floor(base, epoch)
    if epoch <= floors[base] then return end
    floors[base] = epoch
    call('HSET', base .. KEY.named, FLOOR, string.format('%.0f', epoch))
  end

  local function forget(place)
    local session = place.session
    discard(place)
    if session.expires > 0 then call('ZREM', place.base .. KEY.namedDue, place.field) end
    call('HDEL', place.base .. KEY.named, place.field)
    raise_floor(place.base, session.epoch)
    place.session = nil
  end

  local function owner_of(place) return 'n' .. place.field end

  local function forget_will(place)
    if not has(place.session, WILL) then return false end
    set_flag(place.session, WILL, false)
    return wills.drop(place.base, owner_of(place))
  end

  local function is_over(session) return session.node == '' and session.expires > 0 and session.expires <= NOW end

  local function name_of(place) return place.name or place.field end

  local function tell_end(place)
    wake.tell(place.session.node, { 'n', name_of(place), place.session.epoch })
  end

  -- The session with this epoch, unless it was ended or a newer one was opened. Where Redis lost it, it is put in the place
  -- of what is there: an older one, or nothing. What is forgotten left the floor above it.
  local function find(place, epoch, opened)
    local session = place.session
    if session and session.epoch >= epoch then return session.epoch == epoch and session end
    if not opened or not session and floors[place.base] >= epoch then return false end
    if session then
      if session.node ~= '' and session.node ~= NODE then tell_end(place) end
      if has(session, STATE) then call('HDEL', place.base .. KEY.namedStates, place.field) end
      set_flag(session, STATE, false)
      set_flag(session, UNCLEAN, false)
      forget_will(place)
      set_expires(place, session, 0)
      session.epoch, session.node, session.kept, session.opened = epoch, NODE, opened, NOW
    else
      session = session_at(place, epoch, NODE, opened)
      place.session = session
    end
    session.dirty, session.found = true, true
    return session
  end

  -- The session that a step names, where a connection holds it.
  local function held(place, step)
    local session = find(place, step[5], step[6])
    return session and session.node ~= '' and session
  end

  steps.open_named = reading(function(place, step)
    local clean, kept, session = step[5], step[6], place.session
    local state, unclean, taken, will, discarded = false, false, false, false, false
    -- Above every epoch that was given and lost.
    local epoch = math.max(floors[place.base] + 1, ticks())
    if session then
      local is_held, discards = session.node ~= '', clean or is_over(session)
      if session.node == NODE then
        taken = session.epoch
      elseif is_held then
        tell_end(place)
      end
      epoch = math.max(epoch, session.epoch + 1)
      will = forget_will(place)
      if discards then
        discarded = state_of(place)
        discard(place)
        session.born = epoch
      else
        state, unclean, will = state_of(place), is_held or has(session, UNCLEAN), false
        set_flag(session, UNCLEAN, false)
      end
      set_expires(place, session, 0)
    else
      -- Of a session that has ended, and whose will is not published.
      will = wills.drop(place.base, owner_of(place))
      session = session_at(place, epoch, NODE, kept)
      place.session = session
    end
    session.epoch, session.node, session.kept, session.opened, session.dirty = epoch, NODE, kept, NOW, true
    return { epoch, state, unclean, taken, place.ended or false, has(session, SUBSCRIBED), will, discarded }
  end)

  steps.save_named = reading(function(place, step)
    if not held(place, step) then return 'SESSION_TAKEN_OVER' end
    put_state(place, step[7])
    return {}
  end)

  -- The will of a session that was ended before its node closed it. One that the newer session has left stays.
  local function keep_late(place, epoch, will)
    local newer = place.session
    if newer and (newer.born <= epoch or has(newer, WILL)) or not newer and floors[place.base] < epoch then return false end
    local of = newer and newer.epoch or epoch
    wills.keep(place.base, owner_of(place), of, NOW, place.name, will)
    if newer then set_flag(newer, WILL, true) end
    return of
  end

  steps.close_named = reading(function(place, step)
    local epoch, opened, state, expires, will_at, will = unpack(step, 5, 10)
    local session = find(place, epoch, opened)
    if not session then return { false, state and will_at and keep_late(place, epoch, will) } end
    if is_over(session) then return { false } end
    forget_will(place)
    if not state then
      forget(place)
      return { place.ended or false }
    end
    put_state(place, state)
    session.node = ''
    set_flag(session, UNCLEAN, false)
    set_expires(place, session, expires)
    if will_at then
      wills.keep(place.base, owner_of(place), epoch, will_at, place.name, will)
      set_flag(session, WILL, true)
    end
    return { false }
  end)

  steps.check_named = reading(function(place, step)
    local session = find(place, step[5], step[6])
    if not session or session.node ~= NODE then return { true } end
    return session.found and { false } or {}
  end)

  steps.remember = reading(function(place, step)
    local session = held(place, step)
    if not session then return 'SESSION_TAKEN_OVER' end
    local key = place.base .. KEY.namedReceived .. place.field
    if call('HSETNX', key, step[7], step[8]) == 0 then return { call('HGET', key, step[7]) } end
    set_flag(session, RECEIVED, true)
    return { false }
  end)

  steps.release = reading(function(place, step)
    local session = held(place, step)
    if not session then return 'SESSION_TAKEN_OVER' end
    local key = place.base .. KEY.namedReceived .. place.field
    local known = has(session, RECEIVED) and call('HGET', key, step[7])
    if known then call('HDEL', key, step[7]) end
    return { known }
  end)

  steps.subscribe = reading(function(place, step)
    local session = find(place, step[5], step[6])
    if not session or is_over(session) then return 'SESSION_TAKEN_OVER' end
    set_flag(session, SUBSCRIBED, true)
    return {}
  end)

  -- Nobody will close it.
  local function close_dead(place)
    local session = place.session
    tell_end(place)
    if session.kept == 0 then return forget(place) end
    session.node = ''
    set_flag(session, UNCLEAN, true)
    set_expires(place, session, session.kept < 0 and 0 or NOW + session.kept)
  end

  -- Redis lost it, so that it had not ended.
  function steps.is_lost(place, epoch) return floors[place.base] < epoch end

  -- Two fields of the hash are of other things.
  function steps.is_session(field) return field ~= FLOOR and string.sub(field, 1, 1) ~= ENDED end
  function steps.ended_field(field) return ENDED .. field end
  function steps.plain(field) return string.sub(field, 1, 1) == ENDED and string.sub(field, 2) or field end
  function steps.is_of(packed, nodes)
    local version, _, node = unpack_packed(packed)
    return version == VERSION and nodes[node]
  end
  function steps.will_of(place) return has(place.session, WILL) and wills.of(place.base, owner_of(place)) or nil end
  function steps.is_unclean(session) return session.node ~= '' or has(session, UNCLEAN) end

  steps.reading, steps.forget, steps.load, steps.place, steps.close_by_others = reading, forget, load, find_place, close_dead
  steps.is_over, steps.name_of, steps.write, steps.state_of = is_over, name_of, write_all, state_of
  return steps
end
