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
    ["displayName"] = "Allow changes in this OMS again",
    ["iconClass"] = "fa fa-fw fa-toggle-on",
  }
else
  actions["suspend"] = {
    ["displayName"] = "Change nothing in this OMS",
    ["iconClass"] = "fa fa-fw fa-toggle-off",
  }
end

return actions
