--[[
  The logs of sessions that are known by a name: KEY.sessionLog and the field of the name is a hash of offset -> entry
  (log.lua); what is known of a log is in the record of its session (named.lua). An entry is a head and a body, see
  ../session-entry.ts. A large body that goes to several logs of a partition is stored once (KEY.bodies: number -> body), with
  how many entries name it (KEY.bodyCounts: number -> count; '' -> the last number); such an entry has the flag SHARED, and
  the number in the place of the body. The log of a session that ended becomes a grave, where entries share their bodies:
  those are counted down some at a time (KEY.graves is the list of them).

  KEY.uids and a uid is the set of the sessions that have taken the message of this uid: field and epoch of the beginning; and
  of the groups: the names of their logs.

  append_sessions  base, uid or false, body, field, name or false, head, ...
                   -> { expired messages, offset, or one of the codes below, ... }: one for each session
  forget_uid       base, uid                                        -> { }
  read_session     base, field, name or false, after, entries, bytes  -> { read to, last, offset, entry, ... }
  commit_session   base, field, name or false, epoch, number of offsets that are done, offset, ..., released offset, ...
                   -> { false } when a newer session was opened, or it has ended, else { true }
]]
function parts.session_logs()
  local named = need('named')
  local log = need('log')
  local wake = need('wakes')
  local steps = {}
  local DUPLICATE, FULL_LOG, GONE = -1, -2, -3
  local RELEASED, SHARED = 4, 8
  local SHARED_BYTES, NUMBER = 512, '>I6'
  local UID_SECONDS = 86400
  local NEVER = 2 ^ 48 - 1
  local TOGETHER, STRETCH = 128, 16

  local function flags_of(entry) return string.byte(entry, 1) end

  local function has(entry, flag) return bit.band(flags_of(entry), flag) ~= 0 end

  local function with_flag(entry, flag) return string.char(bit.bor(flags_of(entry), flag)) .. string.sub(entry, 2) end

  local function field_of(offset) return pack(0, offset) end

  local function number_of(entry) return string.format('%.0f', (struct.unpack(NUMBER, entry, #entry - 5))) end

  -- An entry no longer names its body.
  local function release_body(base, entry)
    if not has(entry, SHARED) then return end
    local number = number_of(entry)
    if call('HINCRBY', base .. KEY.bodyCounts, number, -1) > 0 then return end
    call('HDEL', base .. KEY.bodyCounts, number)
    call('HDEL', base .. KEY.bodies, number)
  end

  -- Told of each entry that goes, see log.lua.
  local function gone(session, entry)
    if not has(entry, SHARED) then return end
    session.shared = session.shared - 1
    release_body(session.base, entry)
  end

  local function last_number(base) return call('HINCRBY', base .. KEY.bodyCounts, '', 1) end

  -- Counts down the bodies of what a grave holds, some at a time. True when there is more to do.
  local function dig(base)
    local grave = call('LINDEX', base .. KEY.graves, 0)
    if not grave then return false end
    local found, fields = call('HRANDFIELD', base .. KEY.grave .. grave, TOGETHER, 'WITHVALUES'), {}
    for i = 1, #found, 2 do
      fields[#fields + 1] = found[i]
      release_body(base, found[i + 1])
    end
    if #fields > 0 then call('HDEL', base .. KEY.grave .. grave, unpack(fields)) end
    if #fields == TOGETHER then return true end
    call('LPOP', base .. KEY.graves)
    return call('EXISTS', base .. KEY.graves) == 1
  end

  local function not_due(session)
    if session.due == 0 then return end
    call('ZREM', session.base .. KEY.due, 'y' .. session.field)
    session.due, session.dirty = 0, true
  end

  -- Nothing stays of the log. What it gets after this is above what it had.
  local function empty(session)
    if session.count == 0 then return end
    log.write(session.entries)
    if session.shared == 0 then
      call('UNLINK', session.entries)
    else
      local number = string.format('%.0f', last_number(session.base))
      call('RENAME', session.entries, session.base .. KEY.grave .. number)
      call('RPUSH', session.base .. KEY.graves, number)
      dig(session.base)
    end
    log.forget_entries(session)
    session.shared, session.dirty = 0, true
  end

  local function clear(session)
    not_due(session)
    empty(session)
  end

  local function sweep_at(session, time)
    if time >= NEVER or session.due > 0 and session.due <= time then return end
    session.due, session.dirty = time, true
    call('ZADD', session.base .. KEY.due, 'LT', time, 'y' .. session.field)
  end

  local function is_full(session, payload)
    return session.count >= LIMIT.stored_messages or session.bytes + payload > LIMIT.stored_bytes
  end

  -- Whether there is room, and how many entries had expired and made it.
  local function make_room(session, payload)
    if not is_full(session, payload) then return true, 0 end
    if session.count == 0 then return false, 0 end
    local expired = need('expiry').entries(session, 1)
    return not is_full(session, payload), expired
  end

  local function find(base, field, name)
    local place = named.place(base, field, name)
    local session = place.session
    if session and named.is_over(session) then
      named.forget(place)
      return nil, place
    end
    return session, place
  end

  -- Of each of the sessions, whether it has taken a message of this uid.
  local function have_taken(key, members)
    if #members == 0 then return {} end
    return call('SMISMEMBER', key, unpack(members))
  end

  local function append_to(place, head, body, number)
    local session = place.session
    local _, payload, leaves = struct.unpack('>BI4I6', head)
    log.rebase(session)
    local entry = number and with_flag(head, SHARED) .. struct.pack(NUMBER, number) or head .. body
    local offset = log.append(session, entry, payload, math.huge, math.huge)
    if number then session.shared = session.shared + 1 end
    sweep_at(session, leaves)
    if session.node ~= '' and session.node ~= NODE then
      local whole = number and head .. body or entry
      wake.tell(session.node, { 's', named.name_of(place), offset, wake.carried(session.node, whole) })
    end
    return offset
  end

  function steps.append_sessions(step)
    local base, uid, body = step[2], step[3], step[4]
    local fields, members, result = {}, {}, { 0 }
    for i = 5, #step, 3 do fields[#fields + 1] = step[i] end
    named.load(base, fields)
    local sessions, places, key = {}, {}, uid and base .. KEY.uids .. uid
    for at, field in ipairs(fields) do
      local session, place = find(base, field, step[3 * at + 3])
      if place.newer then return 'NEWER_FORMAT' end
      sessions[at], places[at] = session or false, place
      if uid then members[at] = field .. string.format('%.0f', session and session.born or 0) end
    end
    local taken, taking = uid and have_taken(key, members) or {}, {}
    local number, count = nil, 0
    for at, session in ipairs(sessions) do
      local head = step[3 * at + 4]
      local _, payload = struct.unpack('>BI4', head)
      if not session then
        result[at + 1] = GONE
      elseif taken[at] == 1 or uid and taking[members[at]] then
        result[at + 1] = DUPLICATE
      else
        local has_room, expired = make_room(session, payload)
        result[1] = result[1] + expired
        if not has_room then
          result[at + 1] = FULL_LOG
        else
          if not number and #sessions > 1 and #body > SHARED_BYTES then number = last_number(base) end
          result[at + 1] = append_to(places[at], head, body, number)
          count = count + 1
          if uid then
            taking[members[at]] = true
            taking[#taking + 1] = members[at]
          end
        end
      end
    end
    if number then
      local text = string.format('%.0f', number)
      call('HSET', base .. KEY.bodies, text, body)
      call('HSET', base .. KEY.bodyCounts, text, count)
    end
    if #taking > 0 then
      call('SADD', key, unpack(taking))
      call('EXPIRE', key, UID_SECONDS)
    end
    return result
  end

  -- Of a group, by the name of its log.
  function steps.has_taken(base, uid, member) return call('SISMEMBER', base .. KEY.uids .. uid, member) == 1 end

  function steps.take(base, uid, member)
    call('SADD', base .. KEY.uids .. uid, member)
    call('EXPIRE', base .. KEY.uids .. uid, UID_SECONDS)
  end

  function steps.forget_uid(step)
    call('UNLINK', step[2] .. KEY.uids .. step[3])
    return {}
  end

  -- With the bodies in their places.
  local function whole(base, result)
    local shared, numbers = {}, {}
    for i = 4, #result, 2 do
      if has(result[i], SHARED) then
        shared[#shared + 1] = i
        numbers[#numbers + 1] = number_of(result[i])
      end
    end
    if #shared == 0 then return result end
    for from = 1, #shared, TOGETHER do
      local to = math.min(from + TOGETHER - 1, #shared)
      local bodies = call('HMGET', base .. KEY.bodies, unpack(numbers, from, to))
      for i = from, to do
        local entry = result[shared[i]]
        result[shared[i]] = string.sub(entry, 1, #entry - 6) .. (bodies[i - from + 1] or '')
      end
    end
    return result
  end

  function steps.read_session(step)
    local _, base, field, name, after, most, bytes = unpack(step)
    local place = named.place(base, field, name)
    if place.newer then return 'NEWER_FORMAT' end
    local session = place.session
    if not session or named.is_over(session) then return { 0, 0 } end
    return whole(base, log.read(session, after, most, bytes))
  end

  -- Calls `work` with some offsets of a step at a time, and the entries that are there.
  local function each_entry(session, step, from, to, work)
    for first = from, to, TOGETHER do
      local offsets, fields = {}, {}
      for i = first, math.min(first + TOGETHER - 1, to) do
        offsets[#offsets + 1] = step[i]
        fields[#fields + 1] = field_of(step[i])
      end
      work(offsets, fields, call('HMGET', log.entries_of(session), unpack(fields)))
    end
  end

  -- The head stands on the first entry, or a little before it: what was acknowledged out of order leaves holes.
  local function find_head(session, done)
    local first = session.head
    while done[first] do first = first + 1 end
    if first > session.head then log.move_head(session, first) end
    while session.count > 0 and (session.gaps or session.last - session.head >= session.count) do
      if call('HEXISTS', log.entries_of(session), field_of(session.head)) == 1 then return end
      local offsets, fields, following = log.span(session, session.head, session.last, 64)
      if #offsets == 0 then return end
      local entries, head = call('HMGET', log.entries_of(session), unpack(fields)), following
      for i = #offsets, 1, -1 do
        if entries[i] then head = offsets[i] end
      end
      log.move_head(session, head)
    end
  end

  -- True when every offset of the log is among those that are done.
  local function is_all(session, done)
    if session.shared > 0 or session.gaps then return false end
    for offset = session.head, session.last do
      if not done[offset] then return false end
    end
    return true
  end

  local function acknowledge(session, step, from, to)
    if session.count == 0 or from > to then return end
    local done = {}
    for i = from, to do done[step[i]] = true end
    if is_all(session, done) then return empty(session) end
    each_entry(session, step, from, to, function(_, fields, entries)
      local seen, removed = {}, {}
      for i, entry in ipairs(entries) do
        if entry and not seen[fields[i]] then
          seen[fields[i]] = true
          removed[#removed + 1] = fields[i]
          session.count, session.bytes = session.count - 1, session.bytes - struct.unpack('>I4', entry, 2)
          gone(session, entry)
        end
      end
      if #removed > 0 then
        call('HDEL', session.entries, unpack(removed))
        session.dirty = true
      end
    end)
    if session.count == 0 then
      log.forget_entries(session)
    else
      find_head(session, done)
    end
  end

  -- PUBREC has come: it stays until it is done, whatever its time.
  local function release(session, step, from, to)
    if session.count == 0 or from > to then return end
    each_entry(session, step, from, to, function(_, fields, entries)
      local changed = {}
      for i, entry in ipairs(entries) do
        if entry then
          local released = with_flag(entry, RELEASED)
          changed[#changed + 1] = fields[i]
          changed[#changed + 1] = string.sub(released, 1, 5) .. struct.pack('>I6', NEVER) .. string.sub(released, 12)
        end
      end
      if #changed > 0 then call('HSET', session.entries, unpack(changed)) end
    end)
  end

  function steps.commit_session(step)
    local base, field, name, epoch, count = unpack(step, 2, 6)
    local session, place = find(base, field, name)
    if place.newer then return 'NEWER_FORMAT' end
    -- One that Redis lost has no log.
    if not session or session.epoch < epoch then return { named.is_lost(place, epoch) } end
    if session.epoch > epoch then return { false } end
    release(session, step, 7 + count, #step)
    acknowledge(session, step, 7, 6 + count)
    return { true }
  end

  -- Returns how many entries had expired.
  function steps.sweep(base, field)
    local session = named.place(base, field, false).session
    if not session or named.is_over(session) then
      call('ZREM', base .. KEY.due, 'y' .. field)
      return 0
    end
    local expired, next_look = need('expiry').entries(session, STRETCH)
    session.due, session.dirty = 0, true
    -- It has not looked at all of a long log.
    if session.count > 64 * STRETCH then next_look = math.min(next_look, NOW + 3600000) end
    if next_look < NEVER then
      call('ZADD', base .. KEY.due, next_look, 'y' .. field)
      session.due = next_look
    else
      call('ZREM', base .. KEY.due, 'y' .. field)
    end
    return expired
  end

  steps.gone, steps.clear, steps.dig = gone, clear, dig
  return steps
end
