// Begins the application, or says that it did not come whole: a connection may break anywhere.

const begin = async () => {
  try {
    await import("./main.js");
  } catch {
    const text = document.createElement("p");
    text.className = "empty";
    text.setAttribute("role", "alert");
    text.append("The console could not be loaded whole. ");
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Load it again";
    again.addEventListener("click", () => location.reload());
    text.append(again);
    document.body.replaceChildren(text);
  }
};

void begin();

export {};
