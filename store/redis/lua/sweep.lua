--[[
  sweep            base, due before, how many, pause
                   -> { more to do, expired private messages, upstream messages, events, messages of sessions by name,
                   { name, epoch, ... } whose subscriptions ended, { token id or false, name or false, epoch, ... } whose wills
                   are due }
                   pause > 0: only when the last such sweep of the partition, by any node, is longer ago
  sweep_broadcast  base  -> { expired messages, when to look again (0: nothing to wait for) }
  sweep_subscriptions  base  -> { }
  sweep_table      base, ended before  -> { more to do }

  One call of the script does a bounded part, however many steps of it sweep: it looks at some RECORDS token ids, and does WORK on
  those that are due. Of a bucket that is not done then, KEY.sweeping says how far it is, and the next sweep of the partition, by any
  node, goes on from there. Until the bucket is done its time in the index is NOT_DONE, so that it has what becomes due meanwhile.

  `how many`: at most so many logs; sessions that are known by a name go with them (named_ends.lua), and so
  do wills (wills.lua), which are due at once. A partition has an index of its buckets, and of the logs in it that have no
  token id, by when something in them is due (KEY.due), so that a sweep looks at nothing else: a bucket is one character, an
  upstream or event log 'u' and its name, the log of a session by name 'y' and the field of that. A token id goes when its newest JWT has expired `KEPT_SECONDS` ago and
  nothing of it is pending, retained or remembered: until then a device that comes back with a new JWT of the same token id
  finds its broadcasts, and its account may hold the device.
]]
function parts.sweep()
  local token = need('token')
  local log = need('log')
  local holder = need('holder')
  local expiry = need('expiry')
  local private = need('private')
  local broadcast = need('broadcast')
  local steps = {}
  local JOURNAL_MS, KEPT_SECONDS = 600000, 28 * 86400
  local RECORDS, TOGETHER, WORK, LOG_WORK = 512, 64, 128, 8
  local NOT_DONE, START = 2 ^ 48, '0'

  -- What this call of the script may do yet. Looking is counted apart, so that what is due gets on in each call.
  local may_look, may_work, is_forgotten
  each_batch(function() may_look, may_work, is_forgotten = RECORDS, WORK, false end)

  -- Journals of processes that are gone.
  local function forget_journals()
    if is_forgotten then return end
    is_forgotten = true
    local processes = call('HKEYS', JOURNAL)
    for _, process in ipairs(processes) do
      if process ~= 'run' and process ~= PROCESS then
        local packed = call('HGET', JOURNAL, process)
        local offset = cmsgpack.unpack_one(packed)
        local _, saved_at = cmsgpack.unpack_one(packed, offset)
        if saved_at < NOW - JOURNAL_MS then call('HDEL', JOURNAL, process) end
      end
    end
  end

  local function expire_retained(record)
    local packed = token.has(record, token.RETAINED) and call('HGET', record.base .. KEY.retained, record.serial)
    if not packed then return math.huge end
    local _, entry = unpack_packed(packed)
    local _, expires = struct.unpack('>I4I6', entry, 2)
    if expires > NOW then return expires end
    call('HDEL', record.base .. KEY.retained, record.serial)
    token.set_flag(record, token.RETAINED, false)
    return math.huge
  end

  local function expire_session(record)
    local session = holder.of(record)
    if not session or session.node ~= '' or session.unclean or session.expires == 0 then return math.huge end
    if session.expires > NOW then return session.expires end
    holder.forget(record)
    return math.huge
  end

  local function expire_followers(record)
    local followers, kept, next_look = private.followers_of(record), {}, math.huge
    for i = 1, #followers, 2 do
      if followers[i + 1] > NOW then
        kept[#kept + 1] = followers[i]
        kept[#kept + 1] = followers[i + 1]
        next_look = math.min(next_look, followers[i + 1])
      end
    end
    if #kept < #followers then private.store_followers(record, kept) end
    return next_look
  end

  local function forget_token(record)
    holder.forget(record)
    holder.forget_will(record)
    if token.has(record, token.MARKED) then need('marks').forget(record) end
    if token.has(record, token.RETAINING) then need('retaining').forget(record) end
    if token.has(record, token.FOLLOWED) then private.store_followers(record, {}) end
    call('UNLINK', record.base .. KEY.collapse .. record.serial)
    if token.has(record, token.MISSED) then need('outcome').forget_missed(record) end
    need('details').forget(record)
    call('HDEL', record.base .. KEY.tokens .. record.bucket, string.sub(record.id, 2))
    need('devices').removed(record)
    records[record.id] = false
  end

  -- Returns expired messages, and when to look again, in seconds; nil: the token id is gone.
  local function sweep_token(record)
    local expired, next_look = expiry.entries(record)
    next_look = math.min(next_look, expire_retained(record), expire_session(record), expire_followers(record))
    if token.has(record, token.RETAINING) then next_look = math.min(next_look, need('retaining').expire(record)) end
    if token.has(record, token.IDS) then
      local left, again = expiry.ids(record.base .. KEY.ids .. record.serial)
      token.set_flag(record, token.IDS, left)
      next_look = math.min(next_look, again)
    end
    local ends = record.expires + math.max(KEPT_SECONDS, math.ceil(LIMIT.device_hold / 1000))
    if ends * 1000 <= NOW and record.count == 0 and not token.has(record, token.RETAINED) and not token.has(record, token.IDS) then
      forget_token(record)
      return expired, nil
    end
    local due = ends * 1000 <= NOW and next_look or math.min(next_look, ends * 1000)
    record.due, record.dirty = math.floor(due / 1000), true
    return expired, record.due
  end

  -- The bucket of a partition that is not done, or nil. Another run of Redis has other cursors: it begins again.
  local function unfinished(base)
    local packed = call('GET', base .. KEY.sweeping)
    if not packed then return nil end
    local bucket, cursor, due, run = unpack_packed(packed)
    local is_same = run == RUN
    return { base = base, bucket = bucket, is_kept = true, cursor = is_same and cursor or START, due = is_same and due or math.huge }
  end

  local function keep(going)
    local due = going.due < math.huge and going.due
    call('SET', going.base .. KEY.sweeping, pack(going.bucket, going.cursor, due, RUN))
    if not going.is_kept then call('ZADD', going.base .. KEY.due, NOT_DONE, going.bucket) end
  end

  local function finish(going)
    -- What is left of this second (times are in whole ones) is found with the next.
    local key, due = going.base .. KEY.due, math.max(going.due * 1000, NOW + 1)
    if going.is_kept then
      call('DEL', going.base .. KEY.sweeping)
      due = math.min(due, tonumber(call('ZSCORE', key, going.bucket) or NOT_DONE))
    end
    if due >= NOT_DONE then
      call('ZREM', key, going.bucket)
    else
      call('ZADD', key, due, going.bucket)
    end
  end

  -- Those of one page. False when it has to be gone through again: something is due still.
  local function sweep_page(going, fields)
    local base, bucket = going.base, going.bucket
    local first = string.char(tonumber(string.match(base, ':(%d+)}$')))
    may_look = may_look - #fields / 2
    for i = 1, #fields, 2 do
      local id = first .. fields[i]
      local record = records[id] or token.parse(base, id, bucket, fields[i + 1])
      local when = record.due > 0 and record.due or record.expires
      if when * 1000 <= NOW then
        if may_work <= 0 then return false end
        records[id] = record
        local before, count = when, nil
        count, when = sweep_token(record)
        going.expired = going.expired + count
        -- One that is due within this second is found so again, and must not keep the others from their turn.
        if count > 0 or when ~= before then may_work = may_work - 1 - count end
      end
      if when then going.due = math.min(going.due, when) end
    end
    return true
  end

  -- Returns expired messages, and whether the bucket is done.
  local function go_through(going)
    going.expired = 0
    repeat
      if may_look <= 0 or may_work <= 0 then
        keep(going)
        return going.expired, false
      end
      local page = call('HSCAN', going.base .. KEY.tokens .. going.bucket, going.cursor, 'COUNT', TOGETHER)
      local is_done = sweep_page(going, page[2])
      if is_done then going.cursor = page[1] end
    until is_done and going.cursor == START
    finish(going)
    return going.expired, true
  end

  -- Returns whether there is more, and expired messages of token ids, upstream logs, event logs and sessions.
  local function sweep_due(base, before, most)
    local expired, upstream, events, sessions, going = 0, 0, 0, 0, unfinished(base)
    if going then
      local count, is_done = go_through(going)
      expired = count
      if not is_done then return true, expired, 0, 0, 0 end
    end
    local due = call('ZRANGEBYSCORE', base .. KEY.due, '-inf', math.min(before, NOW), 'LIMIT', 0, most)
    for _, name in ipairs(due) do
      if may_look <= 0 or may_work <= 0 then return true, expired, upstream, events, sessions end
      local kind, rest = string.sub(name, 1, 1), string.sub(name, 2)
      if rest == '' then
        local count, is_done = go_through({ base = base, bucket = name, is_kept = false, cursor = START, due = math.huge })
        expired = expired + count
        if not is_done then return true, expired, upstream, events, sessions end
      else
        may_work = may_work - LOG_WORK
        if kind == 'y' then
          sessions = sessions + need('session_logs').sweep(base, rest)
        elseif need('readers').is_event_log(rest) then
          events = events + need('readers').sweep(base, rest)
        else
          upstream = upstream + need('readers').sweep(base, rest)
        end
      end
    end
    return #due == most, expired, upstream, events, sessions
  end

  function steps.sweep(step)
    local _, base, before, most, pause = unpack(step)
    if pause > 0 then
      local swept = tonumber(call('GET', base .. KEY.swept) or '0')
      if NOW - swept < pause and swept <= NOW then return { false, 0, 0, 0, 0, {}, {} } end
      call('SET', base .. KEY.swept, string.format('%.0f', NOW))
    end
    if may_look <= 0 or may_work <= 0 then return { true, 0, 0, 0, 0, {}, {} } end
    forget_journals()
    local more_due, expired, upstream, events, sessions = sweep_due(base, before, most)
    -- What a part defines costs time: most partitions need none of these.
    local function is_due(key, time) return call('ZCOUNT', base .. key, '-inf', time) > 0 end
    local ended, wills, more_ended, more_wills, more_graves = {}, {}, false, false, false
    if is_due(KEY.namedDue, before) then ended, more_ended = need('named_ends').expire(base, before) end
    if is_due(KEY.willsDue, NOW) then wills, more_wills = need('wills').due(base) end
    if call('EXISTS', base .. KEY.graves) == 1 then more_graves = need('session_logs').dig(base) end
    local more = more_due or more_ended or more_wills or more_graves
    return { more, expired, upstream, events, sessions, ended, wills }
  end

  function steps.sweep_subscriptions(step)
    forget_journals()
    need('subscriptions').sweep(step[2])
    return {}
  end

  function steps.sweep_table(step)
    forget_journals()
    return { need('tables').drop_ended(step[2], step[3]) }
  end

  function steps.sweep_broadcast(step)
    local base = step[2]
    forget_journals()
    local record = broadcast.app_of(base)
    local expired, next_look = expiry.entries(record)
    local left, again = expiry.ids(base .. KEY.ids, function(offsets) call('HDEL', base .. KEY.counts, unpack(offsets)) end)
    if left then next_look = math.min(next_look, again) end
    local index, changed = broadcast.retained_of(record), false
    for selector, entry in pairs(index) do
      if entry[2] > 0 and entry[2] <= NOW then
        -- Hides older ones still, as it did while it was there.
        call('HSET', base .. KEY.retainedIndex, selector, pack(entry[1], 0))
        call('HDEL', base .. KEY.retained, selector)
        entry[2], changed = 0, true
      elseif entry[2] > 0 then
        next_look = math.min(next_look, entry[2])
      end
    end
    if changed then
      broadcast.forget_needless(record, index)
      log.rebase(record)
      record.version, record.dirty = record.version + 1, true
    end
    return { expired, next_look == math.huge and 0 or next_look }
  end

  return steps
end
