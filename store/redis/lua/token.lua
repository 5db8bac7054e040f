--[[
  The record of a token id: one field of a bucket, so small that an idle token id costs little. In a step a token id is
  its 16 bytes: the first is the partition (and so part of the base), the next 6 bits are the bucket, and the field is
  everything after the first byte.

    flags       see below
    generation  of the JWTs that are valid
    serial      short name of the token id within its partition, which other keys use
    run         the life of the server in which it was last written, see begin.lua
    times       epoch of the newest session, the highest offset given in the private log (`last`), and the cursor in the
                app's broadcast log, 6 bytes each: all of them begin at a time (log.lua); and when it was last seen, seconds,
                4 bytes that records of earlier versions do not have. With them a record of an app with a name of usual
                length is within 64 bytes, above which Redis keeps a bucket in three times the memory
    lag         how far the private cursor is behind `last`
    expires     when the newest JWT expires, seconds
    due         when something of it has to be swept, seconds, when that is earlier; else 0
    app, device the app, and 6 bytes of a hash of (app, device)
    behind, count, bytes, gaps   of the private log (log.lua), only with count > 0; behind: last - head
    web_push    only where entries came through a Web Push endpoint (web_push.lua): { how many, their payload bytes }; behind unshown
    unshown     only where something that is pending may have been seen by a connection or a lookup that is over: last - shown,
                up to which it may
]]
function parts.token()
  local TIMES, TIMES_BEFORE, TIMES_BYTES = '>I6I6I6I4', '>I6I6I6', 22
  local MOST_SECONDS = 4294967295
  local CURRENT, REVOKED, SESSION, RETAINED, IDS, FOLLOWED, MARKED, SKIPPED = 1, 2, 4, 8, 16, 32, 64, 128
  -- Above 255 a record grows by one byte, which few token ids need: QoS 2 under way, retained upstream messages, a will, tags.
  local RECEIVED, RETAINING, WILL, TAGGED = 256, 512, 1024, 2048
  -- For outcome.lua: the log may hold receipts or collapse keys; some were missed.
  local ENDING, MISSED = 4096, 8192

  local function has(record, flag) return bit.band(record.flags, flag) ~= 0 end

  local function set_flag(record, flag, on)
    local flags = on and bit.bor(record.flags, flag) or bit.band(record.flags, bit.bnot(flag))
    if flags ~= record.flags then
      record.flags, record.dirty = flags, true
    end
  end

  -- What the cursors do not say alone (marks.lua), as it is kept; false: nothing.
  local function marks_of(record)
    return has(record, MARKED) and call('HGET', record.base .. KEY.marks, record.serial) or false
  end

  -- 64 buckets, named by a printable character: numbers would be written out with every key.
  local FIRST_BUCKET = 48
  local function bucket_of(id) return string.char(FIRST_BUCKET + math.floor(string.byte(id, 2) / 4)) end

  -- Of the private log, see log.lua.
  local function gone(record, entry, offset, payload, as)
    if string.byte(entry) >= 16 then need('web_push').gone(record, payload) end
    as = as or record.passed_as and record.passed_as[offset] or 0
    if as < DROPPED and string.byte(entry) < 2 then return end
    need('outcome').gone(record, entry, offset, as)
  end

  local function parse_record(base, id, bucket, packed)
    local flags, generation, serial, run, times, lag, expires, due, app, device, behind, count, bytes, gaps, unshown, web_push =
      unpack_packed(packed)
    local epoch, last, broadcast, seen
    if #times == TIMES_BYTES then
      epoch, last, broadcast, seen = struct.unpack(TIMES, times)
    else
      epoch, last, broadcast = struct.unpack(TIMES_BEFORE, times)
    end
    return {
      base = base, id = id, bucket = bucket, entries = base .. KEY.log,
      flags = flags, generation = generation, serial = serial, run = run, epoch = epoch, last = last, cursor = last - lag,
      broadcast = broadcast, expires = expires, due = due, app = app, device = device,
      head = behind and last - behind or 0, count = count or 0, bytes = bytes or 0, gaps = gaps, seen = seen or 0,
      shown = unshown and last - unshown or 0, gone = gone,
      web_push = web_push and web_push[1], web_push_bytes = web_push and web_push[2],
    }
  end

  -- The record of a token id, or false. What a batch changes in it is written once, at the end of the batch.
  local function record_of(base, id)
    local record = records[id]
    if record == nil then
      local bucket = bucket_of(id)
      local packed = call('HGET', base .. KEY.tokens .. bucket, string.sub(id, 2))
      record = packed and parse_record(base, id, bucket, packed)
      records[id] = record
    end
    return record
  end

  local function store_record(record)
    local r = record
    if r.is_missed_new then need('outcome').write_missed(r) end
    if r.count == 0 and has(r, ENDING) then set_flag(r, ENDING, false) end
    local times, packed = struct.pack(TIMES, r.epoch, r.last, r.broadcast, r.seen), nil
    if r.count == 0 then
      packed = pack(r.flags, r.generation, r.serial, r.run, times, r.last - r.cursor, r.expires, r.due, r.app, r.device)
    elseif r.web_push then
      packed = pack(r.flags, r.generation, r.serial, r.run, times, r.last - r.cursor, r.expires, r.due, r.app, r.device, r.last - r.head, r.count, r.bytes, r.gaps or {}, r.last - r.shown, { r.web_push, r.web_push_bytes })
    elseif r.shown >= r.head then
      packed = pack(r.flags, r.generation, r.serial, r.run, times, r.last - r.cursor, r.expires, r.due, r.app, r.device, r.last - r.head, r.count, r.bytes, r.gaps or {}, r.last - r.shown)
    elseif r.gaps then
      packed = pack(r.flags, r.generation, r.serial, r.run, times, r.last - r.cursor, r.expires, r.due, r.app, r.device, r.last - r.head, r.count, r.bytes, r.gaps)
    else
      packed = pack(r.flags, r.generation, r.serial, r.run, times, r.last - r.cursor, r.expires, r.due, r.app, r.device, r.last - r.head, r.count, r.bytes)
    end
    call('HSET', r.base .. KEY.tokens .. r.bucket, string.sub(r.id, 2), packed)
    r.dirty = false
  end

  -- Registered, or its session opened or closed.
  local function see(record) record.seen, record.dirty = math.min(math.floor(NOW / 1000), MOST_SECONDS), true end

  -- All that is pending may have been seen.
  local function show(record, through)
    if record.count == 0 or through <= record.shown then return end
    record.shown, record.dirty = through, true
  end

  -- Why a JWT of this generation is refused, or nil.
  local function refusal(record, generation)
    if not record then return 'TOKEN_UNKNOWN' end
    if has(record, REVOKED) or generation < record.generation then return 'TOKEN_REVOKED' end
    if not has(record, CURRENT) then return 'TOKEN_SUPERSEDED' end
    return nil
  end

  -- Something of this token id has to be swept at this time; the index knows the earliest time of each bucket.
  local function sweep_at(record, time)
    local seconds = math.floor(time / 1000)
    local known = record.due > 0 and record.due or record.expires
    if seconds >= known then return end
    record.due, record.dirty = seconds, true
    call('ZADD', record.base .. KEY.due, 'LT', seconds * 1000, record.bucket)
  end

  return {
    CURRENT = CURRENT, REVOKED = REVOKED, SESSION = SESSION, RETAINED = RETAINED, IDS = IDS, FOLLOWED = FOLLOWED,
    MARKED = MARKED, SKIPPED = SKIPPED, RECEIVED = RECEIVED, RETAINING = RETAINING, WILL = WILL, TAGGED = TAGGED, ENDING = ENDING, MISSED = MISSED, marks_of = marks_of,
    has = has, set_flag = set_flag, bucket_of = bucket_of, parse = parse_record, of = record_of, store = store_record,
    FIRST_BUCKET = FIRST_BUCKET, sweep_at = sweep_at, see = see, show = show, gone = gone, refusal = refusal,
  }
end
