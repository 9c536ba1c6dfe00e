-- Only what would have an effect now is offered.
local actions = {}

actions["reconcile"] = {
  ["displayName"] = "Look at OMS now",
  ["iconClass"] = "fa fa-fw fa-sync-alt",
}

if obj.metadata.deletionTimestamp ~= nil then
  return actions
end

if obj.spec.suspend == true then
  actions["unsuspend"] = {
    ["displayName"] = "Let the operator act again",
    ["iconClass"] = "fa fa-fw fa-toggle-on",
  }
  return actions
end

local status = obj.status or {}
local reason = nil
for _, one in ipairs(status.conditions or {}) do
  if one.type == "Ready" then
    reason = one.reason
  end
end

local word = status.projectStatus
local wanted = obj.spec.state or "Running"
local ended = status.gone == true
  or word == "FINISHED"
  or word == "RELEASING"
  or word == "RELEASED"
  or word == "DELETED"

if ended then
  return actions
end

actions["suspend"] = {
  ["displayName"] = "Keep the operator's hands off",
  ["iconClass"] = "fa fa-fw fa-toggle-off",
}

if wanted == "Paused" then
  actions["resume"] = {
    ["displayName"] = "Resume the project",
    ["iconClass"] = "fa fa-fw fa-play-circle",
  }
elseif wanted == "Created" then
  actions["start"] = {
    ["displayName"] = "Start the project",
    ["iconClass"] = "fa fa-fw fa-play-circle",
  }
elseif word ~= "FAILED" then
  actions["pause"] = {
    ["displayName"] = "Pause the project",
    ["iconClass"] = "fa fa-fw fa-pause-circle",
  }
end

-- A creation whose outcome is not known is retried by the same annotation, and
-- not offered: somebody has to look into OMS first.
local stuck = reason == "Failed" or reason == "Retrying" or reason == "PausedOutside"
if wanted == "Running" and stuck then
  actions["retry"] = {
    ["displayName"] = "Retry once",
    ["iconClass"] = "fa fa-fw fa-redo",
  }
end

return actions
