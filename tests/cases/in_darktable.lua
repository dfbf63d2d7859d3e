-- Runs inside darktable-cli, for test_integrations_darktable: photos of COLORIZE_CASES go through the script; results.txt tells of each.
-- All of it runs within the export that darktable-cli was called for: it ends when that export does.
local dt = require 'darktable'
local folder = os.getenv 'COLORIZE_CASES'
package.path = os.getenv 'COLORIZE_LUA' .. '/?.lua;' .. package.path
local target = require 'colorize_nb'
local told = io.open(folder .. '/results.txt', 'w')
told:setvbuf "line"
local function tell(...) told:write(table.concat({...}, '\t'), '\n') end

local function copy(from, to)
  local a, b = io.open(from, 'rb'), io.open(to, 'wb')
  b:write(a:read 'a')
  a:close()
  b:close()
end

-- Export a photo as darktable does, keep that file, and hand it to the script
local function run(name, photo, kind, bpp, chosen)
  for k, v in pairs {command = os.getenv 'COLORIZE_COMMAND', vivid = 0, strength = 1} do target.chosen[k] = v end
  for k, v in pairs(chosen or {}) do target.chosen[k] = v end
  local image = dt.database.import(folder .. '/' .. photo)
  local format = dt.new_format(kind)
  if bpp then format.bpp = bpp end
  local exported = folder .. '/export-' .. name .. '.' .. format.extension
  format:write_image(image, exported)
  copy(exported, folder .. '/kept-' .. name .. '.' .. format.extension)
  local before = #dt.database
  local done = {}
  target.store(nil, image, format, exported, 1, 1, true, done)
  target.finalize(nil, {}, done)
  local new = #dt.database > before and dt.database[#dt.database]
  local grouped = new and tostring(new.group_leader.filename == image.filename) or 'none'
  tell(name, done.colored or 0, done.failed or 0, new and new.filename or '', grouped, done.why or '')
end

local function all()
  for _, kind in ipairs {'tiff', 'png', 'jpeg', 'webp', 'j2k', 'avif', 'exr', 'pfm', 'pdf', 'xcf', 'ppm'} do
    local ok, format = pcall(dt.new_format, kind)
    tell('format', kind, tostring(ok and target.supported(nil, format)))
  end
  run('tiff16', 'a.png', 'tiff', 16, {vivid = 0.5})
  run('again', 'a.png', 'tiff', 8)
  run('float', 'b.png', 'tiff', 32)
  run('png', "it's $(touch oops) old é.png", 'png', 16)
  run('no_command', 'c.png', 'tiff', 16, {command = '/nowhere/colorize'})
  run('refused', 'c.png', 'tiff', 16, {vivid = 7})
  told:close()
end

local begun = false
dt.register_event('cases', 'intermediate-export-image', function()
  if begun then return end -- an export of a case
  begun = true
  all()
end)
