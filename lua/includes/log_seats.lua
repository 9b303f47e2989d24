-- Tell readers of seats that nobody has: 'blocked' for everybody, or 'opened'.
local function log_seats(k, kind, seats, now)
  if #seats > 0 then
    append_log(k.meta, k.log, kind, '', cjson.encode({fan_id = '', seats = seats}), now)
  end
end
