--[[
  Sessions that are known by a name. A partition has them in one hash (KEY.named), field -> version, epoch, node ('': no
  connection holds it), when it ends (0: never), name or false, state or false. Version and epoch come first in every
  version. The field is the name; of a long name, it is 0xff, which no UTF-8 has, and its SHA-256, and the name is in the
  value. The field FLOOR has the highest epoch of those that are forgotten. KEY.namedDue has the fields by when they end,
  of sessions that nobody holds.

  `name` is false where the field is the name. `opened`: this node knows that it has opened the session with this epoch and
  not closed it, so that Redis lost that where it knows of nothing newer; the session is then as it was.

  open_named   base, field, name or false, clean start
               -> { epoch, state or false, unclean, epoch taken over here or false }
  save_named   base, field, name or false, epoch, opened, state                         -> SESSION_TAKEN_OVER or { }
  close_named  base, field, name or false, epoch, opened, state or false, expires or 0  -> { }
  check_named  base, field, name or false, epoch
               -> { }, { true } when the session with this epoch is over, or { false } when Redis had lost it: it is open
               again, without its state
  All of them: NEWER_FORMAT when a later version wrote it.
]]
function parts.named()
  local wake = need('wakes')
  local steps = {}
  local VERSION, FLOOR = 1, '\255'

  -- Looks for the session that a step names, and for the floor, before its work.
  local function reading(work)
    return function(step)
      local base, field = step[2], step[3]
      local packed, floor = unpack(call('HMGET', base .. KEY.named, field, FLOOR))
      local session
      if packed then
        local version, epoch, node, expires, _, state = unpack_packed(packed)
        if version ~= VERSION then return 'NEWER_FORMAT' end
        session = { epoch = epoch, node = node, expires = expires, state = state }
      end
      return work({ base = base, field = field, name = step[4], session = session, floor = tonumber(floor or '0') }, step)
    end
  end

  local function store(place, epoch, node, expires, state)
    local before = place.session
    if expires > 0 then
      call('ZADD', place.base .. KEY.namedDue, expires, place.field)
    elseif before and before.expires > 0 then
      call('ZREM', place.base .. KEY.namedDue, place.field)
    end
    call('HSET', place.base .. KEY.named, place.field, pack(VERSION, epoch, node, expires, place.name, state))
  end

  local function raise_floor(base, epoch, floor)
    if epoch > floor then call('HSET', base .. KEY.named, FLOOR, string.format('%.0f', epoch)) end
  end

  local function forget(place)
    local session = place.session
    if session.expires > 0 then call('ZREM', place.base .. KEY.namedDue, place.field) end
    call('HDEL', place.base .. KEY.named, place.field)
    raise_floor(place.base, session.epoch, place.floor)
  end

  -- A session that was not closed waits for its client.
  local function is_over(session) return session.node == '' and session.expires > 0 and session.expires <= NOW end

  local function tell_end(place)
    wake.tell(place.session.node, { 'n', place.name or place.field, place.session.epoch })
  end

  -- The session with this epoch, unless it was ended or a newer one was opened. Where Redis lost it, it is put in the place
  -- of what is there: an older one, or nothing. What is forgotten left the floor above it.
  local function find(place, epoch, opened)
    local session = place.session
    if session and session.epoch >= epoch then return session.epoch == epoch and session end
    if not opened or not session and place.floor >= epoch then return false end
    if session and session.node ~= '' and session.node ~= NODE then tell_end(place) end
    store(place, epoch, NODE, 0, false)
    place.session = { epoch = epoch, node = NODE, expires = 0, state = false, found = true }
    return place.session
  end

  steps.open_named = reading(function(place, step)
    local clean, previous = step[5], place.session
    local state, unclean, ended, last = false, false, false, place.floor
    if previous then
      local held = previous.node ~= ''
      if not clean and not is_over(previous) then
        state, unclean = previous.state, held
      end
      if previous.node == NODE then
        ended = previous.epoch
      elseif held then
        tell_end(place)
      end
      last = math.max(last, previous.epoch)
    end
    -- Above every epoch that was given and lost.
    local epoch = math.max(last + 1, ticks())
    store(place, epoch, NODE, 0, state)
    return { epoch, state, unclean, ended }
  end)

  steps.save_named = reading(function(place, step)
    local epoch, opened, state = unpack(step, 5, 7)
    local session = find(place, epoch, opened)
    if not session or session.node == '' then return 'SESSION_TAKEN_OVER' end
    store(place, epoch, session.node, 0, state)
    return {}
  end)

  steps.close_named = reading(function(place, step)
    local epoch, opened, state, expires = unpack(step, 5, 8)
    local session = find(place, epoch, opened)
    if not session or is_over(session) then return {} end
    if state then
      store(place, epoch, '', expires, state)
    else
      forget(place)
    end
    return {}
  end)

  steps.check_named = reading(function(place, step)
    local session = find(place, step[5], true)
    if not session or session.node ~= NODE then return { true } end
    return session.found and { false } or {}
  end)

  -- Removes sessions that ended before a time. True when there are more.
  function steps.expire(base, before)
    local most = 100
    local fields = call('ZRANGEBYSCORE', base .. KEY.namedDue, '-inf', before, 'LIMIT', 0, most)
    if #fields == 0 then return false end
    local floor = tonumber(call('HGET', base .. KEY.named, FLOOR) or '0')
    local highest = floor
    for _, packed in ipairs(call('HMGET', base .. KEY.named, unpack(fields))) do
      if packed then
        local _, epoch = unpack_packed(packed)
        highest = math.max(highest, epoch)
      end
    end
    call('HDEL', base .. KEY.named, unpack(fields))
    call('ZREM', base .. KEY.namedDue, unpack(fields))
    raise_floor(base, highest, floor)
    return #fields == most
  end

  return steps
end
