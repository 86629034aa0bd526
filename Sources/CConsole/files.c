#include "console.h"

// A test holds this list equal to the folder.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char api_js[] = {
#embed "../InvokConsole/Web/api.js"
};
static const unsigned char dom_js[] = {
#embed "../InvokConsole/Web/dom.js"
};
static const unsigned char function_logs_js[] = {
#embed "../InvokConsole/Web/function/logs.js"
};
static const unsigned char function_overview_js[] = {
#embed "../InvokConsole/Web/function/overview.js"
};
static const unsigned char function_plots_js[] = {
#embed "../InvokConsole/Web/function/plots.js"
};
static const unsigned char function_settings_js[] = {
#embed "../InvokConsole/Web/function/settings.js"
};
static const unsigned char function_try_js[] = {
#embed "../InvokConsole/Web/function/try.js"
};
static const unsigned char function_versions_js[] = {
#embed "../InvokConsole/Web/function/versions.js"
};
static const unsigned char icon_svg[] = {
#embed "../InvokConsole/Web/icon.svg"
};
static const unsigned char index_html[] = {
#embed "../InvokConsole/Web/index.html"
};
static const unsigned char main_js[] = {
#embed "../InvokConsole/Web/main.js"
};
static const unsigned char parts_answer_view_js[] = {
#embed "../InvokConsole/Web/parts/answer-view.js"
};
static const unsigned char parts_call_js[] = {
#embed "../InvokConsole/Web/parts/call.js"
};
static const unsigned char parts_caller_js[] = {
#embed "../InvokConsole/Web/parts/caller.js"
};
static const unsigned char parts_dialog_js[] = {
#embed "../InvokConsole/Web/parts/dialog.js"
};
static const unsigned char parts_format_js[] = {
#embed "../InvokConsole/Web/parts/format.js"
};
static const unsigned char parts_log_lines_js[] = {
#embed "../InvokConsole/Web/parts/log-lines.js"
};
static const unsigned char parts_problem_js[] = {
#embed "../InvokConsole/Web/parts/problem.js"
};
static const unsigned char parts_request_form_js[] = {
#embed "../InvokConsole/Web/parts/request-form.js"
};
static const unsigned char parts_shell_js[] = {
#embed "../InvokConsole/Web/parts/shell.js"
};
static const unsigned char parts_toast_js[] = {
#embed "../InvokConsole/Web/parts/toast.js"
};
static const unsigned char parts_upload_js[] = {
#embed "../InvokConsole/Web/parts/upload.js"
};
static const unsigned char parts_virtual_list_js[] = {
#embed "../InvokConsole/Web/parts/virtual-list.js"
};
static const unsigned char playground_draft_js[] = {
#embed "../InvokConsole/Web/playground/draft.js"
};
static const unsigned char playground_editor_js[] = {
#embed "../InvokConsole/Web/playground/editor.js"
};
static const unsigned char playground_files_js[] = {
#embed "../InvokConsole/Web/playground/files.js"
};
static const unsigned char playground_gallery_go_js[] = {
#embed "../InvokConsole/Web/playground/gallery-go.js"
};
static const unsigned char playground_gallery_nodejs_js[] = {
#embed "../InvokConsole/Web/playground/gallery-nodejs.js"
};
static const unsigned char playground_gallery_python_js[] = {
#embed "../InvokConsole/Web/playground/gallery-python.js"
};
static const unsigned char playground_gallery_js[] = {
#embed "../InvokConsole/Web/playground/gallery.js"
};
static const unsigned char playground_marks_js[] = {
#embed "../InvokConsole/Web/playground/marks.js"
};
static const unsigned char playground_project_js[] = {
#embed "../InvokConsole/Web/playground/project.js"
};
static const unsigned char preview_html[] = {
#embed "../InvokConsole/Web/preview.html"
};
static const unsigned char router_js[] = {
#embed "../InvokConsole/Web/router.js"
};
static const unsigned char session_js[] = {
#embed "../InvokConsole/Web/session.js"
};
static const unsigned char start_js[] = {
#embed "../InvokConsole/Web/start.js"
};
static const unsigned char style_base_css[] = {
#embed "../InvokConsole/Web/style/base.css"
};
static const unsigned char style_layout_css[] = {
#embed "../InvokConsole/Web/style/layout.css"
};
static const unsigned char style_log_css[] = {
#embed "../InvokConsole/Web/style/log.css"
};
static const unsigned char style_playground_css[] = {
#embed "../InvokConsole/Web/style/playground.css"
};
static const unsigned char style_views_css[] = {
#embed "../InvokConsole/Web/style/views.css"
};
static const unsigned char views_function_js[] = {
#embed "../InvokConsole/Web/views/function.js"
};
static const unsigned char views_functions_js[] = {
#embed "../InvokConsole/Web/views/functions.js"
};
static const unsigned char views_login_js[] = {
#embed "../InvokConsole/Web/views/login.js"
};
static const unsigned char views_playground_js[] = {
#embed "../InvokConsole/Web/views/playground.js"
};
static const unsigned char zip_js[] = {
#embed "../InvokConsole/Web/zip.js"
};

#define FILE_OF(path, bytes) {path, bytes, sizeof bytes}

static const invok_console_file files[] = {
    FILE_OF("api.js", api_js),
    FILE_OF("dom.js", dom_js),
    FILE_OF("function/logs.js", function_logs_js),
    FILE_OF("function/overview.js", function_overview_js),
    FILE_OF("function/plots.js", function_plots_js),
    FILE_OF("function/settings.js", function_settings_js),
    FILE_OF("function/try.js", function_try_js),
    FILE_OF("function/versions.js", function_versions_js),
    FILE_OF("icon.svg", icon_svg),
    FILE_OF("index.html", index_html),
    FILE_OF("main.js", main_js),
    FILE_OF("parts/answer-view.js", parts_answer_view_js),
    FILE_OF("parts/call.js", parts_call_js),
    FILE_OF("parts/caller.js", parts_caller_js),
    FILE_OF("parts/dialog.js", parts_dialog_js),
    FILE_OF("parts/format.js", parts_format_js),
    FILE_OF("parts/log-lines.js", parts_log_lines_js),
    FILE_OF("parts/problem.js", parts_problem_js),
    FILE_OF("parts/request-form.js", parts_request_form_js),
    FILE_OF("parts/shell.js", parts_shell_js),
    FILE_OF("parts/toast.js", parts_toast_js),
    FILE_OF("parts/upload.js", parts_upload_js),
    FILE_OF("parts/virtual-list.js", parts_virtual_list_js),
    FILE_OF("playground/draft.js", playground_draft_js),
    FILE_OF("playground/editor.js", playground_editor_js),
    FILE_OF("playground/files.js", playground_files_js),
    FILE_OF("playground/gallery-go.js", playground_gallery_go_js),
    FILE_OF("playground/gallery-nodejs.js", playground_gallery_nodejs_js),
    FILE_OF("playground/gallery-python.js", playground_gallery_python_js),
    FILE_OF("playground/gallery.js", playground_gallery_js),
    FILE_OF("playground/marks.js", playground_marks_js),
    FILE_OF("playground/project.js", playground_project_js),
    FILE_OF("preview.html", preview_html),
    FILE_OF("router.js", router_js),
    FILE_OF("session.js", session_js),
    FILE_OF("start.js", start_js),
    FILE_OF("style/base.css", style_base_css),
    FILE_OF("style/layout.css", style_layout_css),
    FILE_OF("style/log.css", style_log_css),
    FILE_OF("style/playground.css", style_playground_css),
    FILE_OF("style/views.css", style_views_css),
    FILE_OF("views/function.js", views_function_js),
    FILE_OF("views/functions.js", views_functions_js),
    FILE_OF("views/login.js", views_login_js),
    FILE_OF("views/playground.js", views_playground_js),
    FILE_OF("zip.js", zip_js),
};

size_t invok_console_count(void) { return sizeof files / sizeof *files; }

const invok_console_file *invok_console_file_at(size_t place) {
    return place < invok_console_count() ? &files[place] : NULL;
}
