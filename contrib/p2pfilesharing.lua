-- The course's protocol for Wireshark and tshark 4.0 or newer; docs/dissector.md says how to install and use it.
--
-- Each call of the dissector has two parts. `analyse` runs once for each frame and place, in the frames' order. It keeps what
-- each side of a connection needs (`new_half`), and returns steps. `render` draws the steps, as often as the program likes and
-- in any order.

local HEADER = "P2PFILESHARINGPROJ"
local JAVA = "\xAC\xED\x00\x05"
local HANDSHAKE_LEN, PREFIX_LEN = 32, 5
-- Maximum length of a piece's message and of one of unknown type. What is longer is no message.
local MAX_LENGTH, MAX_UNKNOWN = 2 ^ 26, 2 ^ 16
local CHOKE, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = 0, 3, 4, 5, 6, 7
local NAMES = {
    [0] = "choke", "unchoke", "interested", "not interested", "have", "bitfield", "request", "piece",
}

local p2pfs = Proto("p2pfs", "P2P File Sharing")
-- Looks for the handshake on ports that other protocols have.
local guard = Proto("p2pfs_guard", "P2P File Sharing on a port of another protocol")

local F = {
    header = ProtoField.string("p2pfs.header", "Header"),
    reserved = ProtoField.bytes("p2pfs.reserved", "Zero bytes"),
    peer_id = ProtoField.uint32("p2pfs.peer_id", "Peer ID"),
    length = ProtoField.uint32("p2pfs.length", "Length", base.DEC, nil, nil, "Number of bytes of type and payload"),
    type = ProtoField.uint8("p2pfs.type", "Type", base.DEC, NAMES),
    index = ProtoField.uint32("p2pfs.index", "Piece index"),
    bitfield = ProtoField.bytes("p2pfs.bitfield", "Bitfield"),
    count = ProtoField.uint32("p2pfs.bitfield.count", "Number of set bits"),
    spare = ProtoField.uint8("p2pfs.bitfield.spare", "Spare bits that are set", base.HEX),
    data = ProtoField.bytes("p2pfs.data", "Piece data"),
    data_len = ProtoField.uint32("p2pfs.data_len", "Length of the piece data"),
    payload = ProtoField.bytes("p2pfs.payload", "Payload that its type does not have"),
    sender = ProtoField.uint32("p2pfs.sender", "Sender's peer ID"),
    receiver = ProtoField.uint32("p2pfs.receiver", "Receiver's peer ID"),
    peers = ProtoField.string("p2pfs.peers", "Peers"),
    message = ProtoField.string("p2pfs.message", "Message", base.UNICODE, "As in the column: one filter for type and index"),
    sender_known = ProtoField.bool("p2pfs.handshake.sender", "The sender's handshake was seen"),
    receiver_known = ProtoField.bool("p2pfs.handshake.receiver", "The receiver's handshake was seen"),
    request_in = ProtoField.framenum("p2pfs.request_in", "Requested in", base.NONE, frametype.REQUEST),
    response_in = ProtoField.framenum("p2pfs.response_in", "Piece in", base.NONE, frametype.RESPONSE),
    response_time = ProtoField.relative_time("p2pfs.response_time", "Time since the request"),
    continuation = ProtoField.bytes("p2pfs.continuation", "Bytes of a message that began before"),
    retransmitted = ProtoField.bytes("p2pfs.retransmitted", "Bytes that were here before"),
    expert = ProtoField.string("p2pfs.expert", "Name of what breaks the protocol"),
    undecoded = ProtoField.bytes("p2pfs.undecoded", "Bytes that are no message"),
}
p2pfs.fields = F

local function fault(name, text, severity)
    return ProtoExpert.new("p2pfs.expert." .. name, text, expert.group.PROTOCOL, severity)
end
local E = {
    header = fault("header", "The header is not " .. HEADER, expert.severity.ERROR),
    reserved = fault("reserved", "The ten bytes after the header are not zero", expert.severity.WARN),
    ascii_id = fault("ascii_id", "The peer ID is written in ASCII digits", expert.severity.WARN),
    java = fault("java", "A Java object stream instead of bytes", expert.severity.ERROR),
    short_length = fault("short_length", "The length leaves the type out", expert.severity.ERROR),
    payload_length = fault("payload_length", "The payload does not have the length of this type", expert.severity.ERROR),
    too_long = fault("too_long", "No message has this length", expert.severity.ERROR),
    type = fault("type", "Unknown type", expert.severity.WARN),
    late_bitfield = fault("late_bitfield", "The bitfield is not the first message", expert.severity.WARN),
    other_size = fault("other_size", "The two bitfields have different lengths", expert.severity.WARN),
    spare = fault("spare", "Spare bits are set", expert.severity.ERROR),
    low_bit = fault("low_bit", "The bitfield may begin with the low bit", expert.severity.WARN),
    index = fault("index", "The file has no such piece", expert.severity.ERROR),
    unasked = fault("unasked", "The piece was not requested", expert.severity.NOTE),
    no_handshake = fault("no_handshake", "A message instead of the handshake", expert.severity.ERROR),
    gap = fault("gap", "Bytes before this are not in the capture", expert.severity.NOTE),
}
p2pfs.experts = E

p2pfs.prefs.ports = Pref.range("TCP ports", "6001-6008", "Ports of peers, as in PeerInfo.cfg", 65535)
p2pfs.prefs.anywhere = Pref.bool("Find the handshake on ports of other protocols", true,
    "Where a connection begins with " .. HEADER .. ", it is this protocol, even if the port belongs to another")
p2pfs.prefs.pieces = Pref.uint("Number of pieces", 0, "ceil(FileSize / PieceSize) of Common.cfg; 0 if unknown. "
    .. "Spare bits and wrong indexes are found by it")

local tcp_stream, tcp_seq, tcp_payload = Field.new("tcp.stream"), Field.new("tcp.seq_raw"), Field.new("tcp.payload")
local tcp_completeness = Field.new("tcp.completeness")

-- What is known of each connection, and the steps of each frame; and who had a port before.
local connections, steps_of, before = {}, {}, {}

function p2pfs.init()
    connections, steps_of = {}, {}
end

-- The last of several, for TCP may be carried in TCP.
local function last(field)
    local all = { field() }
    return all[#all]
end

-- How far `a` lies after `b`; sequence numbers wrap.
local function distance(a, b)
    return (a - b + 2 ^ 31) % 2 ^ 32 - 2 ^ 31
end

-- What one side has sent:
--   next   where its next message begins; nil while that is unknown
--   seen   the end of what has come
--   holes  the parts before that have not come
local function new_half()
    return { holes = {}, messages = 0, asked = {}, pending = nil }
end

-- Returns the connection, what the sender has sent in it, and what the receiver has.
local function halves(pinfo)
    local id = last(tcp_stream).value
    local connection = connections[id]
    local from = tostring(pinfo.src) .. " " .. pinfo.src_port
    if not connection then
        connection = { first = from, new_half(), new_half() }
        connections[id] = connection
    end
    if connection.first == from then
        return connection, connection[1], connection[2]
    end
    return connection, connection[2], connection[1]
end

local function raw(tvb, offset, len)
    len = math.min(len, tvb:len() - offset)
    return len > 0 and tvb:raw(offset, len) or ""
end

local function has_header(tvb, offset)
    local start = raw(tvb, offset, #HEADER)
    return #start >= 4 and start == HEADER:sub(1, #start)
end

-- Whether a message begins here, as far as one can see. `short`: one whose length leaves the type out.
local function is_message(tvb, offset, short)
    if tvb:len() - offset < PREFIX_LEN then return false end
    local length, kind = tvb(offset, 4):uint() + (short and 1 or 0), tvb(offset + 4, 1):uint()
    if kind <= NOT_INTERESTED then return length == 1 end
    if kind == HAVE or kind == REQUEST then return length == 5 end
    if kind == BITFIELD then return length >= 2 and length <= 2 ^ 20 end
    return kind == PIECE and length >= 5 and length <= MAX_LENGTH
end

-- Whether a connection of X11 begins here: byte order, a byte without meaning, version 11.
local function is_x11(tvb)
    local start = raw(tvb, 0, 4)
    return start:match("^l.\x0b\0") or start:match("^B.\0\x0b")
end

local function number_in(bytes)
    local a, b, c, d = bytes:byte(1, 4)
    return ((a * 256 + b) * 256 + c) * 256 + d
end

local function set_bits(bytes)
    local count = 0
    for place = 1, #bytes do
        local byte = bytes:byte(place)
        while byte > 0 do
            count, byte = count + byte % 2, math.floor(byte / 2)
        end
    end
    return count
end

-- Returns the step of a handshake that is here whole.
local function take_handshake(half, tvb, offset, frame)
    local header, reserved, id = raw(tvb, offset, 18), raw(tvb, offset + 18, 10), raw(tvb, offset + 28, 4)
    local step = { kind = "handshake", faults = {} }
    if header ~= HEADER:sub(1, #header) then step.faults[1] = "header" end
    if reserved:find("[^\0]") then table.insert(step.faults, "reserved") end
    if #id == 4 then
        step.id = number_in(id)
        if id:match("^%d%d%d%d$") then
            step.id = tonumber(id)
            table.insert(step.faults, "ascii_id")
        end
        half.id, half.id_frame = step.id, frame
    end
    half.handshake = half.handshake or frame
    return step
end

-- Notes what a message means for the connection, and returns its step. `short`: its length leaves the type out.
local function take_message(half, other, tvb, offset, length, kind, short, pinfo)
    local step = { kind = "message", type = kind, faults = {}, length = length }
    local function note(name) table.insert(step.faults, name) end
    local payload_len = short and length or length - 1
    step.payload_len = payload_len
    if short then note("short_length") end
    if kind > PIECE then note("type") end
    local right = kind > PIECE or (kind <= NOT_INTERESTED and payload_len == 0)
        or ((kind == HAVE or kind == REQUEST) and payload_len == 4)
        or (kind == BITFIELD and payload_len > 0) or (kind == PIECE and payload_len >= 4)
    if not right then note("payload_length") end
    local start = offset + PREFIX_LEN
    local pieces = p2pfs.prefs.pieces
    if kind == BITFIELD then
        if half.messages > 0 then note("late_bitfield") end
        local bytes = raw(tvb, start, payload_len)
        step.count = set_bits(bytes)
        half.bitfield_len = payload_len
        if other.bitfield_len and other.bitfield_len ~= payload_len then note("other_size") end
        local final = #bytes == payload_len and bytes:byte(-1)
        if final and pieces > 0 then
            if payload_len ~= math.ceil(pieces / 8) then
                if right then note("payload_length") end
            else
                step.spare = final % 2 ^ (payload_len * 8 - pieces)
                if step.spare > 0 then note("spare") end
            end
        end
        -- A complete file whose last byte is filled from below.
        if final and final > 0 and final < 128 and set_bits(string.char(final + 1)) == 1
            and not bytes:sub(1, -2):find("[^\xff]") and payload_len > 1 then
            note("low_bit")
        end
    elseif kind == HAVE or kind == REQUEST or kind == PIECE then
        local index = raw(tvb, start, math.min(4, payload_len))
        if #index == 4 then
            step.index = number_in(index)
            local most = pieces > 0 and pieces or 8 * (other.bitfield_len or half.bitfield_len or 2 ^ 32)
            if step.index >= most then note("index") end
        end
        if kind == REQUEST and step.index then
            half.asked[step.index] = { frame = pinfo.number, time = pinfo.rel_ts, step = step }
        elseif kind == PIECE and step.index then
            local request = other.asked[step.index]
            other.asked[step.index] = nil
            if request then
                step.request, step.time = request.frame, pinfo.rel_ts - request.time
                request.step.response = pinfo.number
            elseif half.handshake and other.handshake and not half.lost and not other.lost then
                note("unasked")
            end
        end
    end
    half.messages = half.messages + 1
    return step
end

-- Whether this message's length leaves the type out: certain for most types, for the others by what else is known.
local function is_short(half, other, tvb, offset, length, kind)
    if kind <= NOT_INTERESTED then return length == 0 end
    if kind == HAVE or kind == REQUEST then return length == 4 end
    if kind > PIECE or length == 1 then return false end
    if half.short then return true end
    local pieces = p2pfs.prefs.pieces
    if kind == BITFIELD and pieces > 0 then return length == math.ceil(pieces / 8) end
    local after = offset + 4 + length
    if is_message(tvb, after) then return false end
    local as_other = kind == BITFIELD and half.messages == 0 and other.bitfield_len == length
    return as_other or is_message(tvb, after + 1, true)
end

-- Returns what begins here: its number of bytes, or nil if that takes more bytes; and a function that takes it.
-- The number is 0 if no message begins here; then it returns the reason as well.
local function next_unit(half, other, tvb, offset, pinfo, at_start)
    local start = raw(tvb, offset, 18)
    if has_header(tvb, offset) or (at_start and #start == 18 and start:match("^[%w_-]+$")) then
        return HANDSHAKE_LEN, function() return take_handshake(half, tvb, offset, pinfo.number) end
    end
    if start:sub(1, 4) == JAVA then return 0, nil, "java" end
    if #start < PREFIX_LEN then
        -- A length of 0 is known by four bytes, but the type that follows it is shown with it.
        return nil
    end
    if at_start and not is_message(tvb, offset) then return 0, nil, "header" end
    local length, kind = number_in(start), start:byte(5)
    if length > (kind <= PIECE and MAX_LENGTH or MAX_UNKNOWN) or (length == 0 and kind > PIECE) then
        return 0, nil, "too_long"
    end
    local short = is_short(half, other, tvb, offset, length, kind)
    return 4 + length + (short and 1 or 0), function()
        half.short = half.short or short
        local step = take_message(half, other, tvb, offset, length, kind, short, pinfo)
        if at_start then table.insert(step.faults, "no_handshake") end
        return step
    end
end

-- Takes the hole that begins or lies around `seq`, cut to what is still missing after `len` bytes.
local function fill_hole(half, seq, len)
    for place, hole in ipairs(half.holes) do
        if distance(seq, hole[1]) >= 0 and distance(hole[2], seq) > 0 then
            table.remove(half.holes, place)
            if distance(hole[2], seq + len) > 0 then
                table.insert(half.holes, { (seq + len) % 2 ^ 32, hole[2], synced = hole.synced })
            end
            return true, hole.synced and hole[1] == seq
        end
    end
    return false
end

-- Returns the steps of bytes that begin at `seq` of this side's stream; `len` counts also what the capture has cut off.
local function analyse(half, other, tvb, len, seq, pinfo, at_start)
    local steps, offset, late = {}, 0, false
    local function add(step, from, count)
        step.from, step.len = from, count
        table.insert(steps, step)
    end
    local skip = half.next and distance(half.next, seq) or 0
    local synced = half.next and skip >= 0
    if half.seen and distance(seq, half.seen) < 0 and not half.whole then
        local missing, begins = fill_hole(half, seq, len)
        if not missing then
            local old = math.min(len, -distance(seq, half.seen))
            add({ kind = "retransmitted", faults = {} }, 0, old)
            seq, offset = (seq + old) % 2 ^ 32, old
            skip = half.next and distance(half.next, seq) or 0
        else
            late, synced, skip = true, begins, 0
        end
    elseif half.seen and distance(seq, half.seen) > 0 then
        -- Bytes between have not come: they are lost, or come later.
        table.insert(half.holes, { half.seen, seq, synced = half.next == half.seen })
        if not (half.next and skip >= 0) then synced = false end
        half.lost = true
    end
    local ends = (seq + len - offset) % 2 ^ 32
    if not half.seen or distance(ends, half.seen) > 0 then half.seen = ends end
    -- The rest of a message whose beginning was shown, for it could not be put together.
    if synced and skip > 0 and offset < len then
        local count = math.min(skip, len - offset)
        add({ kind = "continuation", faults = {} }, offset, count)
        seq, offset = (seq + count) % 2 ^ 32, offset + count
    end
    while offset < len do
        if not synced and not at_start and not has_header(tvb, offset) and not is_message(tvb, offset) then
            add({ kind = "continuation", faults = { half.seen and half.lost and "gap" or nil } }, offset, len - offset)
            if not late then half.next = nil end
            return steps
        end
        synced = true
        local total, take, reason = next_unit(half, other, tvb, offset, pinfo, at_start)
        if total == 0 then
            add({ kind = "undecoded", faults = { reason } }, offset, len - offset)
            if not late then half.next = nil end
            return steps
        end
        local here = len - offset
        local can_wait = pinfo.can_desegment > 0 and tvb:len() == tvb:reported_len() and not late
        if (not total or total > here) and can_wait then
            half.pending, half.next = seq, seq
            local need = total and total - here or DESEGMENT_ONE_MORE_SEGMENT
            add({ kind = "more", need = need, faults = {} }, offset, here)
            return steps
        end
        if not total then
            add({ kind = "continuation", faults = {} }, offset, here)
            if not late then half.next = nil end
            return steps
        end
        local step = take()
        add(step, offset, math.min(total, here))
        at_start = false
        seq, offset = (seq + total) % 2 ^ 32, offset + total
        if not late then half.next = seq end
    end
    return steps
end

-- Draws one step, and returns its words for the column.
local function render(step, half, other, tvb, pinfo, tree)
    -- The capture may have cut off the frame before this step.
    local from = math.min(step.from, tvb:len())
    local len = math.min(step.len, tvb:len() - from)
    local item = tree:add(p2pfs, tvb(from, len))
    local words
    -- Adds a field of which `count` bytes are in the message, as many as the capture has of it.
    local function add(field, place, count, whole)
        local here = math.min(count, len - place)
        if here <= 0 or (whole and here < count) then return end
        return item:add(field, tvb(from + place, here))
    end
    local at = {}
    if step.kind == "handshake" then
        at.header = add(F.header, 0, 18)
        at.reserved = add(F.reserved, 18, 10)
        at.ascii_id = step.id and item:add(F.peer_id, tvb(from + 28, 4), step.id)
        words = "handshake" .. (step.id and " of " .. step.id or "")
    elseif step.kind == "message" then
        words = NAMES[step.type] or "unknown type " .. step.type
        at.length = add(F.length, 0, 4, true)
        at.type = add(F.type, 4, 1)
        local payload = step.payload_len
        local place = PREFIX_LEN
        if step.index then
            at.index = add(F.index, place, 4)
            words, place, payload = words .. " " .. step.index, place + 4, payload - 4
        end
        if step.type == PIECE and step.index then
            add(F.data, place, payload)
            item:add(F.data_len, tvb(from, math.min(4, len)), payload)
            words = ("%s (%d bytes)"):format(words, payload)
        elseif step.type == BITFIELD then
            at.bitfield = add(F.bitfield, place, payload)
            item:add(F.count, step.count):set_generated()
            if step.spare then item:add(F.spare, tvb(from + place + payload - 1, 1), step.spare):set_generated() end
            words = ("%s (%d set)"):format(words, step.count)
        elseif payload > 0 then
            add(F.payload, place, payload)
        end
        if step.request then
            local seconds = math.floor(step.time)
            item:add(F.request_in, step.request):set_generated()
            local nanos = math.floor((step.time - seconds) * 1e9 + 0.5)
            item:add(F.response_time, NSTime.new(seconds, nanos)):set_generated()
        end
        if step.response then item:add(F.response_in, step.response):set_generated() end
    else
        item:add(F[step.kind], tvb(from, len))
        words = step.kind == "undecoded" and "no message" or step.kind
    end
    for _, name in ipairs(step.faults) do
        local place = name:find("length") and at.length or name:find("spare") and at.bitfield or at[name] or item
        place:add_proto_expert_info(E[name])
        item:add(F.expert, name):set_generated()
        if E[name] == E.java then words = "Java object stream" end
    end
    -- The handshake itself is the first packet that knows its sender.
    local knows = { half.id and half.id_frame <= pinfo.number, other.id and other.id_frame <= pinfo.number }
    local sender, receiver = knows[1] and half.id, knows[2] and other.id
    if sender then item:add(F.sender, sender):set_generated() end
    if receiver then item:add(F.receiver, receiver):set_generated() end
    local function was_seen(side) return side.handshake ~= nil and side.handshake <= pinfo.number end
    item:add(F.sender_known, was_seen(half)):set_generated()
    item:add(F.receiver_known, was_seen(other)):set_generated()
    local peers
    if sender or receiver then
        peers = ("%s -> %s"):format(sender or "?", receiver or "?")
        item:add(F.peers, peers):set_generated()
    end
    if step.kind == "message" then item:add(F.message, words):set_generated() end
    item:append_text(", " .. (peers and peers .. ": " or "") .. words)
    return words, peers
end

-- Returns where these bytes stand in the stream, and whether TCP has put them together from several segments. Then they are no
-- part of the frame, and begin at their own offset 0.
local function place_of(tvb, half)
    local payload = last(tcp_payload)
    if tvb:offset() > 0 and payload then
        return (last(tcp_seq).value + tvb:offset() - payload.offset) % 2 ^ 32, false
    end
    return half.pending or half.next or last(tcp_seq).value, true
end

-- Whether the first bytes of a side are the first of the connection, too, which the capture has seen begin.
local function begins(half)
    local seen = tcp_completeness()
    return not half.seen and seen ~= nil and seen.value % 4 > 0
end

function p2pfs.dissector(tvb, pinfo, tree)
    local connection, half, other = halves(pinfo)
    local frame = steps_of[pinfo.number]
    if not frame then
        frame = {}
        steps_of[pinfo.number] = frame
    end
    local key = last(tcp_stream).value .. " " .. tvb:offset()
    local steps = frame[key]
    if steps and steps.unclaimed then return 0 end
    if not steps then
        -- A port that belonged to another protocol may still carry that.
        local former = before[pinfo.dst_port] or before[pinfo.src_port]
        if former and not connection.ours and not has_header(tvb, 0) and (connection.others or is_x11(tvb)) then
            connection.others = true
            return former:call(tvb, pinfo, tree)
        end
        -- In the middle of a connection, bytes claim it only if they look like this protocol.
        if not connection.ours and not begins(half) and not half.began and not has_header(tvb, 0) and not is_message(tvb, 0) then
            frame[key] = { unclaimed = true }
            return 0
        end
        connection.ours, connection.others = true, nil
        local at_start = begins(half)
        local seq, whole = place_of(tvb, half)
        half.whole = whole
        steps = analyse(half, other, tvb, tvb:reported_len(), seq, pinfo, at_start or (whole and half.began))
        half.began = (at_start or (whole and half.began)) and steps[1] and steps[1].kind == "more"
        frame[key] = steps
    end
    pinfo.cols.protocol = "P2PFS"
    local told, who = {}, nil
    for _, step in ipairs(steps) do
        if step.kind == "more" then
            pinfo.desegment_offset, pinfo.desegment_len = step.from, step.need
        else
            local words, peers = render(step, half, other, tvb, pinfo, tree)
            table.insert(told, words)
            who = peers or who
        end
    end
    if #told > 0 then
        local line = table.concat(told, "; ")
        local first = not frame.first or frame.first == key
        frame.first = frame.first or key
        if first then
            pinfo.cols.info = (who and who .. ": " or "") .. line
        else
            pinfo.cols.info:append("; " .. line)
        end
        pinfo.cols.info:fence()
    end
    return tvb:reported_len()
end

local function by_header(tvb, pinfo, tree)
    if not has_header(tvb, 0) then return false end
    pinfo.conversation = p2pfs
    p2pfs.dissector(tvb, pinfo, tree)
    return true
end

p2pfs:register_heuristic("tcp", by_header)

function guard.dissector(tvb, pinfo, tree)
    if by_header(tvb, pinfo, tree) then return tvb:reported_len() end
    local former = before[pinfo.match_uint] or before[pinfo.dst_port] or before[pinfo.src_port]
    return former and former:call(tvb, pinfo, tree) or 0
end

-- Gives the ports to whom the preferences name: peers' ports to this protocol, and those of others to the guard.
local function take_ports()
    local ports = DissectorTable.get("tcp.port")
    for port, former in pairs(before) do
        ports:add(port, former)
    end
    before = {}
    local ours = {}
    for first, final in p2pfs.prefs.ports:gmatch("(%d+)%-?(%d*)") do
        for port = tonumber(first), tonumber(final) or tonumber(first) do ours[port] = true end
    end
    for port = 1, 65535 do
        local former = ports:get_dissector(port)
        -- Peers listen on no port of the system.
        if former and (ours[port] or (p2pfs.prefs.anywhere and port >= 1024)) then before[port] = former end
        if ours[port] then
            ports:add(port, p2pfs)
        elseif before[port] then
            ports:add(port, guard)
        end
    end
end

p2pfs.prefs_changed = take_ports
take_ports()
