--[[
  What becomes of a message of a private or broadcast log (../../following-contract.ts). Whatever takes an entry out of such a
  log tells `ended`, by the `gone` of the log: there its end is noted with its id, its collapse key is free again, and its
  receipt is written, all in the step that takes it out.

  The first byte of an entry has these flags beside the one of RETAIN. A token id has the flag ENDING while its log may hold an
  entry with a receipt or a collapse key: then those that are acknowledged are looked at too.

  KEY.collapse  collapse key, of an app with its length (1) before and the selector after it -> offset (6)
  KEY.missed    serial -> { count, through }: what went because the log was full, and until which cursor it is told
  KEY.counts    of an app: offset -> how many acknowledged it (4), and to how many it was sent with QoS 0 (4)
]]
function parts.outcome()
  local token = need('token')
  local ids = need('ids')
  local FOLLOWED, RECEIPT, COLLAPSE = 2, 4, 8
  local SELECTOR_FIELD, COLLAPSE_FIELD = 2, 3
  local EVENT_MS, EVENT_FORMAT = 7 * 86400000, 1
  local NAMES = { [0] = 'acknowledged' }
  for name in string.gmatch(ENDS, '%a+') do NAMES[#NAMES + 1] = name end
  local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  local COUNTS = '>I4I4'

  local function has(entry, flag) return bit.band(string.byte(entry), flag) ~= 0 end

  -- One hash for each token id, or for the app.
  local function key_of(record, key) return record.base .. key .. (record.id and record.serial or '') end

  local function field_of(entry, wanted)
    local at, stop = 20 + string.byte(entry, 19), #entry - struct.unpack('>I4', entry, 2)
    while at < stop do
      local field, length = struct.unpack('>BI4', entry, at)
      if field == wanted then return string.sub(entry, at + 5, at + 4 + length) end
      at = at + 5 + length
    end
    return ''
  end

  -- How many ended as this, a number of ENDS, that the result of a step does not tell.
  local function tally(destination, as, count)
    if count == 0 then return end
    tallies = tallies or {}
    local known = tallies[destination] or {}
    known[as] = (known[as] or 0) + count
    tallies[destination] = known
  end

  -- Whether a connection or a lookup may have taken it.
  local function may_be_seen(record, offset)
    if not record.id then return true end
    local session = need('holder').of(record)
    if session and (session.node ~= '' or session.unclean) then return true end
    return offset <= record.shown
  end

  local function note_end(record, entry, offset, as)
    local key, id = key_of(record, KEY.ids), ids.of(entry)
    local known = ids.find(key, id)
    if not known or known.offset ~= offset or not known.fingerprint then return end
    known.ended, known.unseen = as, not may_be_seen(record, offset)
    ids.write(key, id, known)
    -- What is acknowledged meanwhile is counted still.
    if not record.id then call('HSETNX', record.base .. KEY.counts, offset, struct.pack(COUNTS, 0, 0)) end
  end

  -- Collapse keys

  local function collapse_field(record, entry)
    local key = field_of(entry, COLLAPSE_FIELD)
    if record.id then return key end
    return string.char(#key) .. key .. field_of(entry, SELECTOR_FIELD)
  end

  local function holder_of(record, field)
    local packed = call('HGET', key_of(record, KEY.collapse), field)
    return packed and struct.unpack('>I6', packed) or 0
  end

  local function free_key(record, entry, offset)
    local field = collapse_field(record, entry)
    if holder_of(record, field) == offset then call('HDEL', key_of(record, KEY.collapse), field) end
  end

  local function hold_key(record, entry, offset)
    call('HSET', key_of(record, KEY.collapse), collapse_field(record, entry), struct.pack('>I6', offset))
  end

  -- One that was appended to a private log, and has a receipt or a collapse key.
  local function follow(record, entry, offset)
    if has(entry, COLLAPSE) then hold_key(record, entry, offset) end
    token.set_flag(record, token.ENDING, true)
  end

  -- Receipts

  local function base64url(bytes)
    local text = {}
    for at = 1, #bytes, 3 do
      local a, b, c = string.byte(bytes, at, at + 2)
      local word = a * 65536 + (b or 0) * 256 + (c or 0)
      for digit = 0, c and 3 or b and 2 or 1 do
        local value = math.floor(word / 64 ^ (3 - digit)) % 64
        text[#text + 1] = string.sub(DIGITS, value + 1, value + 1)
      end
    end
    return table.concat(text)
  end

  -- An entry of the event log (../upstream-entry.ts), as `receiptSubject` and `receiptPayload` have it.
  local function receipt_of(record, entry, offset, as)
    local subject, id = 'message.' .. NAMES[as], ids.of(entry)
    local payload = '{"eventId":"' .. base64url(record.id) .. '.' .. string.format('%.0f', offset) .. '"}'
    local head = struct.pack('>BI4I6I6B', RECEIPT, #payload, NOW + EVENT_MS, NOW, EVENT_FORMAT) .. record.id
    return head .. struct.pack('>I2', #subject) .. subject .. string.char(#id) .. id .. payload
  end

  local function write_receipt(record, entry, offset, as)
    local dropped, expired = need('upstream').append_receipt(record.base, '/' .. record.app, receipt_of(record, entry, offset, as))
    tally('event', EXPIRED, expired)
    tally('event', DROPPED, dropped)
  end

  -- `as`: a number of ENDS, 0: acknowledged.
  local function ended(record, entry, offset, as)
    if as > 0 and has(entry, FOLLOWED) then note_end(record, entry, offset, as) end
    if as ~= REPLACED and has(entry, COLLAPSE) then free_key(record, entry, offset) end
    if has(entry, RECEIPT) then write_receipt(record, entry, offset, as) end
  end

  -- What went because the log was full: { count, through }, or nil.
  local function missed_of(record)
    if record.missed then return record.missed end
    if not token.has(record, token.MISSED) then return nil end
    local packed = call('HGET', record.base .. KEY.missed, record.serial)
    record.missed = packed and { unpack_packed(packed) } or nil
    return record.missed
  end

  local function count_missed(record, offset, count)
    local missed = missed_of(record) or { 0, 0 }
    record.missed, record.is_missed_new = { missed[1] + count, math.max(missed[2], offset, record.cursor) }, true
    token.set_flag(record, token.MISSED, true)
  end

  -- Of a private log. What had expired by then was neither dropped nor purged.
  local function gone(record, entry, offset, as)
    if as > EXPIRED and struct.unpack('>I6', entry, 6) <= NOW then as = EXPIRED end
    if as == DROPPED then count_missed(record, offset, 1) end
    if as > DROPPED or (record.passed_as and as >= EXPIRED) then tally('private', as, 1) end
    if string.byte(entry) > 1 then ended(record, entry, offset, as) end
  end

  -- What of a commit ends as something else than acknowledged: offset -> a number of ENDS.
  local function passed_as(step, too_many)
    local list = {}
    for i = 8, #step, 2 do list[step[i]] = step[i + 1] end
    for _, offset in ipairs(too_many) do list[offset] = DROPPED end
    return list
  end

  local function write_missed(record)
    if record.missed then call('HSET', record.base .. KEY.missed, record.serial, pack(unpack(record.missed))) end
    record.is_missed_new = false
  end

  local function forget_missed(record)
    if not token.has(record, token.MISSED) then return end
    call('HDEL', record.base .. KEY.missed, record.serial)
    record.missed, record.is_missed_new = nil, false
    token.set_flag(record, token.MISSED, false)
  end

  -- The cursor has moved.
  local function passed(record)
    local missed = missed_of(record)
    if missed and record.cursor > missed[2] then forget_missed(record) end
  end

  -- What is told of it; nil: nothing.
  local function told_missed(record)
    local missed = missed_of(record)
    return missed and record.cursor <= missed[2] and missed or nil
  end

  -- How many acknowledged a broadcast, and to how many it was sent.
  local function counts_of(base, offset)
    local packed = call('HGET', base .. KEY.counts, offset)
    if not packed then return nil end
    local acknowledged, sent = struct.unpack(COUNTS, packed)
    return acknowledged, sent
  end

  local function count(base, offset, acknowledged, sent)
    local before, sent_before = counts_of(base, offset)
    call('HSET', base .. KEY.counts, offset, struct.pack(COUNTS, (before or 0) + acknowledged, (sent_before or 0) + sent))
  end

  return {
    FOLLOWED = FOLLOWED, COLLAPSE = COLLAPSE, NAMES = NAMES, SELECTOR_FIELD = SELECTOR_FIELD,
    has = has, field_of = field_of, key_of = key_of, tally = tally, may_be_seen = may_be_seen, ended = ended, gone = gone,
    collapse_field = collapse_field, holder_of = holder_of, hold_key = hold_key, follow = follow, passed_as = passed_as, count_missed = count_missed, write_missed = write_missed, forget_missed = forget_missed,
    passed = passed, told_missed = told_missed, counts_of = counts_of, count = count,
  }
end
