/// Whoever sees the ports sees the values that they speak of.
@_exported public import InvokModel
