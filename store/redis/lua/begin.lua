--[[
  One batch of steps, in order, as one atomic script. The files of this folder are joined to one script, in the order
  that ../script.ts names; the names of keys (KEY) come before them, from ../keys.ts.

  KEYS[1]  the journal of the lane; its hash tag routes the script in a Cluster
  KEYS[2]  a key that is never written, see `absentKey`
  ARGV[1]  msgpack: { header, step, step, ... }
           header: { process, sequence, now, changes, verify, room, node, channels, limits... }, see below
           step:   { name, base of the keys, arguments... }; the head of each file lists them
  Result   msgpack: { result, result, ... } in the order of the steps. A result is an array, or a string: the code of
           the error that refused this one step. After them the life of this data (LIFE, below), and what steps took out
           of logs beside what they were asked for: { destination, expired, dropped, ... }. 'STALE' instead of the array: a
           later batch of this lane was done.

  Redis runs the whole text with every call, and each function that it defines costs time. So every file but the first
  and the last is one function in `parts`, which `need` calls once when a step asks for it; and those of files that few
  batches need are defined by one function, `seldom`, when the first of them is asked for.

  Safe to run twice: the journal keeps the sequence and the results of the last batch of each process, and a lane has
  one batch under way. The same batch again is answered from the journal; an older one is refused.
]]
local batch = cmsgpack.unpack(ARGV[1])
local header = batch[1]
local PROCESS, SEQUENCE, NOW, CHANGES, VERIFY, ROOM, NODE, CHANNELS = unpack(header, 1, 8)
local LIMIT = {
  private_messages = header[9], private_bytes = header[10], broadcast_messages = header[11], broadcast_bytes = header[12],
  retained_broadcasts = header[13], dedupe_ms = header[14],
  upstream_messages = header[15], upstream_bytes = header[16], share_messages = header[17], share_bytes = header[18],
  upstream_retained = header[19], event_messages = header[20], event_bytes = header[21],
  stored_messages = header[22], stored_bytes = header[23], device_hold = header[24], late_ack = header[25],
  web_push_messages = header[26],
}
local call, pack, unpack_packed = redis.call, cmsgpack.pack, cmsgpack.unpack
local journal = call('HMGET', KEYS[1], 'run', PROCESS)

local replayed
if CHANGES and journal[2] then
  local offset, sequence = cmsgpack.unpack_one(journal[2])
  if sequence > SEQUENCE then return pack('STALE') end
  if sequence == SEQUENCE then
    local saved_at
    offset, saved_at = cmsgpack.unpack_one(journal[2], offset)
    offset, replayed = cmsgpack.unpack_one(journal[2], offset)
  end
end

-- When its memory is full, Redis refuses a command that may need some, but only as the first one that writes in a script.
-- ROOM says what comes first. 0: nothing. 1: a command that would be refused, so that no step which stores slips in behind
-- one that frees. 2: a write that needs no memory, after which all steps can do their work; those that store refuse by
-- themselves (FULL). So devices connect, read, acknowledge and close, which makes room.
local FULL = ROOM == 2
if ROOM == 1 then call('HSETNX', KEYS[1], 'run', journal[1] or '') end
if FULL then call('HDEL', KEYS[1], '') end

-- The clock of this server in ticks of 64 microseconds, which fit into 6 bytes; the same throughout a batch.
local clock
local function ticks()
  if not clock then
    local time = call('TIME')
    clock = math.floor((time[1] * 1000000 + time[2]) / 64)
  end
  return clock
end

-- RUN: which process of Redis this is. A restart or failover without `appendfsync always` may lose the newest writes, so
-- that an offset would be given twice. Records that were last written in another run jump ahead (`rebase`). The run id
-- tells, and is asked for when the connection is new; between that, LASTSAVE is cheap and changes with every start that is
-- not within the same second.
-- LIFE: which data this is, for the nodes. It begins at a time, and again when the journal is gone, so that everything may
-- be; with each RUN it counts one on. 0: the journal is gone, and nothing has been written since.
local RUN, LIFE = 0, 0
do
  local known_save, known_run, known_life
  if journal[1] and journal[1] ~= '' then
    known_save, known_run, known_life = unpack_packed(journal[1])
    LIFE = known_life or 0
  end
  if CHANGES then
    local saved = redis.pcall('LASTSAVE')
    saved = type(saved) == 'number' and saved or 0
    if saved > 0 and saved == known_save and not VERIFY then
      RUN = known_run
    else
      local info = redis.pcall('INFO', 'server')
      local id = type(info) == 'string' and string.match(info, 'run_id:(%x%x%x%x%x%x%x%x)')
      RUN = id and tonumber(id, 16) or 0
    end
    if LIFE == 0 then
      LIFE = ticks()
    elseif RUN ~= known_run then
      LIFE = LIFE + 1
    end
    if saved ~= known_save or LIFE ~= known_life then journal.run = pack(saved, RUN, LIFE) end
  end
end

local parts, needed, seldom = {}, {}, nil

local function need(name)
  local part = needed[name]
  if not part then
    if not parts[name] then seldom() end
    part = parts[name]()
    needed[name] = part
  end
  return part
end

-- What is read in one batch, and written once at its end: token id -> record, base -> record of an app, base and app ->
-- record of a part of an upstream log.
local records, apps, upstreams = {}, {}, {}
-- Entries of logs that are written together, before anything is read there and at the end:
-- key -> { field, entry, ..., count = how many of both }
local unwritten = {}
-- What other nodes are to hear: node -> { events }, sent as one message to each at the end.
local wakes = {}
-- What observers are to hear of beside the results of steps: destination -> { expired, dropped }.
local tallies
