// Applies decorators as the language has them now (https://github.com/tc39/proposal-decorators) where the compiler only knows
// how to pass them what TypeScript once did: esbuild before 0.21. It hands over what stands before each member of a class.

const metadata = new WeakMap();
const methodMember = 1;

/// Takes the place of the compiler's own function.
/// - target: the class, for itself and its static members, or its prototype.
/// - kind: undefined for the class, else 1 for a method or an accessor and 2 for a field.
export function decorate(decorators, target, key, kind) {
  if (!kind) return decorateClass(decorators, target);
  // Three parameters are what only TypeScript's experimental decorators have.
  const [old, standard] = [decorators.filter((each) => each.length > 2), decorators.filter((each) => each.length < 3)];
  if (kind === methodMember) decorateMethod(standard, target, key);
  else decorateField(standard, target, key);
  for (const decorator of old.reverse()) {
    const before = kind === methodMember ? Object.getOwnPropertyDescriptor(target, key) : undefined;
    const after = decorator(target, key, before);
    if (kind === methodMember || after) Object.defineProperty(target, key, after || before);
  }
}

function contextOf(target, kind, name, access, added) {
  const isStatic = typeof target === "function";
  const owner = isStatic ? target : target.constructor;
  if (!metadata.has(owner)) metadata.set(owner, Object.create(metadata.get(Object.getPrototypeOf(owner)) ?? null));
  const context = { kind, name, metadata: metadata.get(owner), addInitializer: added };
  return kind === "class" ? context : { ...context, static: isStatic, private: false, access };
}

/// Collects what a decorator wants run on the class; what it wants run on each instance nobody would.
function initializersOf(target, name) {
  const initializers = [];
  return [
    initializers,
    (initializer) => {
      if (typeof target !== "function") {
        throw new TypeError(
          `a decorator of '${String(name)}' calls addInitializer, which takes esbuild 0.21 or newer on the server; ` +
            "do without it, or set experimentalDecorators in tsconfig.json and write it for those",
        );
      }
      initializers.push(initializer);
    },
  ];
}

function decorateClass(decorators, target) {
  const [initializers, add] = initializersOf(target);
  let value = target;
  for (const decorator of decorators.toReversed()) {
    value = decorator(value, contextOf(target, "class", target.name, undefined, add)) ?? value;
  }
  for (const initializer of initializers) initializer.call(value);
  return value;
}

function decorateMethod(decorators, target, key) {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  const [part, kind] = descriptor.get ? ["get", "getter"] : descriptor.set ? ["set", "setter"] : ["value", "method"];
  const [initializers, add] = initializersOf(target, key);
  const access = { has: (object) => key in object };
  if (part !== "set") access.get = (object) => object[key];
  if (part === "set") access.set = (object, value) => void (object[key] = value);
  for (const decorator of decorators.toReversed()) {
    descriptor[part] = decorator(descriptor[part], contextOf(target, kind, key, access, add)) ?? descriptor[part];
  }
  Object.defineProperty(target, key, descriptor);
  for (const initializer of initializers) initializer.call(target);
}

function decorateField(decorators, target, key) {
  const [initializers, add] = initializersOf(target, key);
  const access = {
    has: (object) => key in object,
    get: (object) => object[key],
    set: (object, value) => void (object[key] = value),
  };
  const changes = decorators.toReversed().map((decorator) => decorator(undefined, contextOf(target, "field", key, access, add)));
  const changed = (object, value) => changes.filter(Boolean).reduce((given, change) => change.call(object, given), value);
  if (typeof target === "function") {
    target[key] = changed(target, target[key]);
    for (const initializer of initializers) initializer.call(target);
    return;
  }
  if (!changes.some(Boolean)) return;
  // The compiler assigns fields in the constructor: the first assignment is their beginning.
  const begin = (object, value) =>
    Object.defineProperty(object, key, { value: changed(object, value), writable: true, enumerable: true, configurable: true });
  Object.defineProperty(target, key, {
    configurable: true,
    get() {
      return this === target ? undefined : begin(this, undefined)[key];
    },
    set(value) {
      begin(this, value);
    },
  });
}
