--[[
  append    base, id, app or '', only current, entry, fingerprint or false, entry, fingerprint or false, ...; with a fingerprint, the id
            is remembered
            -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, { wake this node, first offset } when all were stored one after the other and
            nothing had to go for them, or { wake this node, false, offset, duplicate, dropped, expired, ... }; of a duplicate
            when it expires instead of how many had expired; offset 0: another message has this id
  read      base, id, after, entries, bytes, hands out
            -> { read to, last, offset, entry, ... }, with false for the entry of one that was followed and has expired, and as
            the last { count, through } where some were missed. Hands out: somebody may see what is read
  retained  base, id                         -> { } or { offset, entry }
  commit    base, id, epoch or 0, private or 0, broadcast or 0, change of the marks or false (marks.lua), offset, what it ended
            as (a number of ENDS), ...
            -> { refused, moved a session of this node, private cursor, broadcast cursor, marks or false }
  follow    base, id, until                  -> { }; until 0: no more
]]
function parts.private()
  local token = need('token')
  local log = need('log')
  local wake = need('wakes')
  local holder = need('holder')
  local steps = {}

  local NOTHING = {}

  -- Nodes that want to hear of this log though they hold no session: { node, until, node, until, ... }
  local FOLLOWERS = 4

  local function followers_of(record)
    local packed = token.has(record, token.FOLLOWED) and call('HGET', record.base .. KEY.followers, record.serial)
    return packed and { unpack_packed(packed) } or {}
  end

  local function store_followers(record, followers)
    if #followers == 0 then
      call('HDEL', record.base .. KEY.followers, record.serial)
    else
      call('HSET', record.base .. KEY.followers, record.serial, pack(unpack(followers)))
    end
    token.set_flag(record, token.FOLLOWED, #followers > 0)
  end

  -- True when this node is one of those to wake: it has the entry already.
  local function wake_for(record, offset, entry)
    local here = false
    local session = holder.of(record)
    local holder = session and session.node or ''
    if holder == NODE then
      here = true
    elseif holder ~= '' then
      wake.tell(holder, { 'a', record.id, offset, wake.carried(holder, entry) })
    end
    if token.has(record, token.FOLLOWED) then
      local followers = followers_of(record)
      for i = 1, #followers, 2 do
        local node = followers[i]
        if node == NODE then
          here = true
        elseif node ~= holder and followers[i + 1] > NOW then
          wake.tell(node, { 'a', record.id, offset, wake.carried(node, entry) })
        end
      end
    end
    return here
  end

  local function retain(record, offset, payload, entry)
    if payload == 0 then
      call('HDEL', record.base .. KEY.retained, record.serial)
    else
      call('HSET', record.base .. KEY.retained, record.serial, pack(offset, entry))
    end
    token.set_flag(record, token.RETAINED, payload > 0)
  end

  function steps.append(step)
    local base, id, app, only_current = step[2], step[3], step[4], step[5]
    local record = token.of(base, id)
    if not record or (app ~= '' and app ~= record.app) then return 'TOKEN_UNKNOWN' end
    if token.has(record, token.REVOKED) then return 'TOKEN_REVOKED' end
    if only_current and not token.has(record, token.CURRENT) then return 'TOKEN_SUPERSEDED' end
    local ids = base .. KEY.ids .. record.serial
    local first, due = nil, math.huge
    -- Most logs are of interest to this node alone, or to none.
    local session = holder.of(record)
    local here = session ~= nil and session.node == NODE
    local elsewhere = token.has(record, token.FOLLOWED) or (session and session.node ~= '' and not here)
    local unpack_entry, append, private_messages, private_bytes =
      struct.unpack, log.append, LIMIT.private_messages, LIMIT.private_bytes
    log.rebase(record)
    -- Four values for each message, from the first one on that is not simply the next.
    local each
    for i = 6, #step, 2 do
      local entry, fingerprint = step[i], step[i + 1]
      local known = fingerprint and token.has(record, token.IDS) and need('ids').find(ids, need('ids').of(entry))
      local duplicate = known and true or false
      local offset, dropped, expired = nil, 0, 0
      if known then
        offset, expired = need('ids').differs(known, fingerprint) and 0 or known.offset, known.expires
      else
        local flags, payload, expires = unpack_entry('>BI4I6', entry)
        local is_asked = flags % 16 > 3
        if is_asked then need('removal').make_way(record, entry) end
        if flags < 16 then
          offset, dropped, expired = append(record, entry, payload, private_messages, private_bytes)
        else
          offset = need('web_push').append(record, entry, payload)
        end
        if is_asked then need('outcome').follow(record, entry, offset) end
        if fingerprint then
          need('ids').remember(ids, need('ids').of(entry), offset, fingerprint, entry)
          token.set_flag(record, token.IDS, true)
        end
        if flags % 2 == 1 then retain(record, offset, payload, entry) end
        if flags % 4 >= 2 then expires = expires + LIMIT.late_ack end
        if expires < due then due = expires end
        if elsewhere then here = wake_for(record, offset, entry) end
      end
      first = first or offset
      if not each and (duplicate or dropped + expired > 0) then
        each = { here, false }
        for before = 0, (i - 6) / 2 - 1 do
          local at = 4 * before
          each[at + 3], each[at + 4], each[at + 5], each[at + 6] = first + before, false, 0, 0
        end
      end
      if each then
        local at = #each
        each[at + 1], each[at + 2], each[at + 3], each[at + 4] = offset, duplicate, dropped, expired
      end
    end
    if due < math.huge then token.sweep_at(record, due) end
    if not each then return { here, first } end
    each[1] = here
    return each
  end

  function steps.read(step)
    local _, base, id, after, most, bytes, hands_out = unpack(step)
    local record = token.of(base, id)
    if not record then return { 0, 0 } end
    local result = log.read(record, after, most, bytes, true)
    if hands_out and #result > 2 then token.show(record, result[#result - 1]) end
    local missed = token.has(record, token.MISSED) and need('outcome').told_missed(record)
    if missed then result[#result + 1] = missed end
    return result
  end

  function steps.retained(step)
    local record = token.of(step[2], step[3])
    local packed = record and token.has(record, token.RETAINED) and call('HGET', record.base .. KEY.retained, record.serial)
    if not packed then return {} end
    return { unpack_packed(packed) }
  end

  -- Everything up to the cursor goes but what is skipped, and so does what was skipped and is no longer.
  local function trim(record, before, private, were, are)
    local through = math.min(private, (are[1] or math.huge) - 1)
    log.trim(record, through, nil, record.passed_as or token.has(record, token.ENDING))
    if #were == 0 and #are == 0 then return end
    local kept = need('marks').set_of(are)
    for _, offset in ipairs(were) do
      if not kept[offset] then log.remove_between(record, offset, offset, kept) end
    end
    log.remove_between(record, math.max(before, through) + 1, private, kept)
  end

  function steps.commit(step)
    local _, base, id, epoch, private, broadcast, change = unpack(step)
    local record = token.of(base, id)
    if not record then return { false, false, 0, 0, false } end
    if epoch > 0 and epoch < record.epoch then return { true, false, record.cursor, record.broadcast, false } end
    private = math.max(record.cursor, math.min(private, record.last))
    local moved = change and true or false
    local were, are, too_many = NOTHING, NOTHING, NOTHING
    if change then
      broadcast, were, are, too_many = need('marks').change(record, private, broadcast, change)
    elseif private > record.cursor and token.has(record, token.SKIPPED) then
      are = need('marks').skipped_private(record)
    end
    if moved or private > record.cursor then
      local before = record.cursor
      if private > before then record.cursor, record.dirty, moved = private, true, true end
      record.passed_as = (#step > 7 or #too_many > 0) and need('outcome').passed_as(step, too_many) or nil
      trim(record, before, private, were, are)
      record.passed_as = nil
      if token.has(record, token.MISSED) then need('outcome').passed(record) end
    end
    if broadcast > record.broadcast then
      record.broadcast, record.dirty, moved = broadcast, true, true
    end
    local here = false
    if moved and epoch == 0 then
      local session = holder.of(record)
      here = session ~= nil and session.node == NODE
      if session and session.node ~= '' and not here then
        wake.tell(session.node, { 'c', id, record.cursor, record.broadcast, token.marks_of(record) })
      end
    end
    return { false, here, record.cursor, record.broadcast, here and token.marks_of(record) }
  end

  function steps.follow(step)
    local _, base, id, till = unpack(step)
    local record = token.of(base, id)
    if not record then return {} end
    local followers, kept = followers_of(record), {}
    for i = 1, #followers, 2 do
      if followers[i] ~= NODE and followers[i + 1] > NOW then
        kept[#kept + 1] = followers[i]
        kept[#kept + 1] = followers[i + 1]
      end
    end
    if till > 0 then
      while #kept >= 2 * FOLLOWERS do
        table.remove(kept, 1)
        table.remove(kept, 1)
      end
      kept[#kept + 1] = NODE
      kept[#kept + 1] = till
      token.sweep_at(record, till)
    end
    if till > 0 or #kept < #followers then store_followers(record, kept) end
    return {}
  end

  steps.followers_of, steps.store_followers = followers_of, store_followers
  return steps
end
